import FoundationEssentials
package import Wire

/// A listening socket that this process did not open itself: the service manager binds the ports below 1024.
package struct ListeningSocket: Sendable {
    /// Owned by the web server from now on.
    package var descriptor: CInt
    /// nil for one that is not IP.
    package var address: NetworkAddress?

    package init(descriptor: CInt, address: NetworkAddress?) {
        self.descriptor = descriptor
        self.address = address
    }
}

/// The sockets that were handed over. Without one for https the page is served in the clear where `web.listen` says.
package struct HandedSockets: Sendable {
    /// The page, over TLS.
    package var https: [ListeningSocket]
    /// Every request is sent on to https.
    package var http: [ListeningSocket]
    /// The commands of this machine.
    package var operators: [ListeningSocket]

    package init(
        https: [ListeningSocket] = [], http: [ListeningSocket] = [], operators: [ListeningSocket] = []
    ) {
        (self.https, self.http, self.operators) = (https, http, operators)
    }
}

/// Where the page can be opened.
package struct WebPlace: Sendable, Equatable, Codable {
    package var isSecure: Bool
    /// As the socket is bound: often every address of the machine.
    package var address: NetworkAddress

    package init(isSecure: Bool, address: NetworkAddress) {
        self.isSecure = isSecure
        self.address = address
    }

    private static func file(in stateDirectory: String) -> String { stateDirectory + "/web/places.json" }

    /// Leaves word for the commands that tell people where the page is.
    static func keep(_ places: [WebPlace], in stateDirectory: String) throws {
        let encoder = JSONEncoder()
        // The same places are the same bytes.
        encoder.outputFormatting = .sortedKeys
        try PrivateFile.write(encoder.encode(places), to: file(in: stateDirectory), isDurable: false)
    }

    /// - Returns: where the web process that started last serves the page; empty when none ever did.
    package static func last(in stateDirectory: String) -> [WebPlace] {
        let data = FileManager.default.contents(atPath: file(in: stateDirectory)) ?? Data()
        return (try? JSONDecoder().decode([WebPlace].self, from: data)) ?? []
    }

    /// `https://192.0.2.1/`
    /// - Parameter host: instead of the bound one.
    package func url(host: NetworkAddress.Host? = nil) -> String {
        let host = host ?? address.host
        let text = if case .ipv6 = host { "[\(host)]" } else { "\(host)" }
        let port = address.port == (isSecure ? 443 : 80) ? "" : ":\(address.port)"
        return "\(isSecure ? "https" : "http")://\(text)\(port)/"
    }
}
