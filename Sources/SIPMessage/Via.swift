package import Wire

/// One hop of a message, `SIP/2.0/UDP host:port;branch=z9hG4bK…;rport`: RFC 3261 §20.42, RFC 3581.
package struct Via: Equatable, Sendable {
    /// In upper case: `UDP`, `TCP`, `TLS`.
    package var transport: String
    /// `sent-by`
    package var host: SIPHost
    package var port: UInt16?
    package var parameters: SIPParameters

    /// A Via of our own, with `rport` (RFC 3581 §3).
    /// - Parameter branch: unique, and begun with `Via.magicCookie`.
    package init(transport: String = "UDP", sentBy: NetworkAddress, branch: String) {
        self.transport = transport
        host = SIPHost(sentBy.host)
        port = sentBy.port
        parameters = SIPParameters(["branch": branch])
        parameters.insert(flag: "rport")
    }

    /// What every branch of RFC 3261 begins with (§8.1.1.7).
    package static let magicCookie = "z9hG4bK"

    package var branch: String? {
        get { parameters["branch"] }
        set { parameters["branch"] = newValue }
    }

    /// The branch if it can tell transactions apart: the cookie alone tells nothing (RFC 4475 §3.2.1).
    /// Nil: match as RFC 2543 did (RFC 3261 §17.2.3).
    package var transactionBranch: String? {
        branch.flatMap { branch in
            branch.utf8.starts(with: Self.magicCookie.utf8) && branch.utf8.count > Self.magicCookie.utf8.count
                ? branch : nil
        }
    }

    /// Where the next hop saw the message come from; with or without brackets for IPv6 (RFC 5118 §4.5).
    package var received: NetworkAddress.Host? {
        get { parameters["received"].flatMap { SIPHost.address($0) } }
        set { parameters["received"] = newValue.map { "\($0)" } }
    }

    /// The sender asked for answers to its source port.
    package var wantsSourcePort: Bool { parameters.contains("rport") }

    /// The source port that the next hop saw; nil when it is absent or not filled in.
    package var receivedPort: UInt16? {
        get { parameters["rport"].flatMap { Grammar.decimal($0.utf8) }.flatMap { UInt16(exactly: $0) } }
        set { parameters["rport"] = newValue.map { String($0) } }
    }

    /// The server's notes on an arriving request (RFC 3261 §18.2.1, RFC 3581 §4). What the sender itself wrote there is
    /// not believed: it would point our answers at somebody else.
    package mutating func note(source: NetworkAddress) {
        parameters.remove("received")
        if wantsSourcePort {
            received = source.host
            receivedPort = source.port
        } else if host.address.map({ NetworkAddress(host: $0, port: 0).host }) != source.host {
            received = source.host
        }
    }

    /// Where a response goes over UDP (RFC 3261 §18.2.2, RFC 3581 §4): `received` with `rport`, else `sent-by`; nil when
    /// that is a name. `maddr` is not followed: it would let a stranger aim our answers at a third party.
    package var responseTarget: NetworkAddress? {
        let sentPort = port ?? (transport == "TLS" ? 5061 : 5060)
        return (received ?? host.address).map { NetworkAddress(host: $0, port: receivedPort ?? sentPort) }
    }
}

extension Via {
    /// - Throws: `badValue`, with the offset.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .via) { (scanner) throws(SIPParseError) in try Via(&scanner) }
    }

    init(_ scanner: inout TextScanner) throws(SIPParseError) {
        guard let name = scanner.token(), Grammar.lowercased(name) == "sip", scanner.takeSeparator("/"),
            scanner.token() == "2.0", scanner.takeSeparator("/"), let transport = scanner.token()
        else {
            throw SIPParseError(.badValue(.via), at: scanner.position)
        }
        self.transport = String(decoding: transport.utf8.map { $0 &- 0x61 < 26 ? $0 & 0xdf : $0 }, as: UTF8.self)
        guard let byte = scanner.peek, Grammar.isWhitespace(byte) else {
            throw SIPParseError(.badValue(.via), at: scanner.position)
        }
        scanner.skipWhitespace()
        guard let hostAndPort = SIPHost.scan(&scanner) else {
            throw SIPParseError(.badValue(.via), at: scanner.position)
        }
        (host, port) = hostAndPort
        parameters = try SIPParameters(headerValue: &scanner)
    }

    /// As on the wire.
    package var text: String {
        var text = "SIP/2.0/\(transport) \(host.text)"
        if let port { text += ":\(port)" }
        parameters.write(headerValue: &text)
        return text
    }
}
