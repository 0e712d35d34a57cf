package import Wire

/// A session description (RFC 8866): what one party says about itself and its media.
///
/// It keeps what calls need: origin, name, connection, bandwidth, the time lines, attributes and media, each in
/// their order. The lines i, u, e, p, k, r and z are checked for form and left out.
package struct SessionDescription: Equatable, Sendable {
    package var origin: Origin
    /// `s=`; `-` for none.
    package var name: String
    package var connection: Connection?
    package var bandwidth: [String]
    /// Values of `t=`; a call has `0 0`.
    package var timing: [String]
    package var attributes: [Attribute]
    package var media: [MediaDescription]

    package init(
        origin: Origin, name: String = "-", connection: Connection? = nil, bandwidth: [String] = [],
        timing: [String] = ["0 0"], attributes: [Attribute] = [], media: [MediaDescription] = []
    ) {
        self.origin = origin
        self.name = name
        self.connection = connection
        self.bandwidth = bandwidth
        self.timing = timing
        self.attributes = attributes
        self.media = media
    }

    /// `o=`: names the session and its version (RFC 8866 §5.2).
    package struct Origin: Equatable, Sendable {
        package var username: String
        /// Digits; kept as text because some equipment writes more than 64 bits.
        package var sessionID: String
        package var version: String
        /// `IP4` or `IP6`
        package var addressType: String
        package var address: String

        package init(username: String, sessionID: String, version: String, addressType: String, address: String) {
            self.username = username
            self.sessionID = sessionID
            self.version = version
            self.addressType = addressType
            self.address = address
        }

        /// - Parameter host: where the description was made, for what it is worth.
        package init(sessionID: UInt64, version: UInt64, host: NetworkAddress.Host) {
            let connection = Connection(host: host)
            self.init(
                username: "-", sessionID: String(sessionID), version: String(version),
                addressType: connection.addressType, address: connection.address)
        }
    }

    /// `c=`: where media goes (RFC 8866 §5.7).
    package struct Connection: Equatable, Sendable {
        /// `IP4` or `IP6`
        package var addressType: String
        /// As it was written: an address, with `/ttl` for multicast, or a name.
        package var address: String

        package init(addressType: String, address: String) {
            self.addressType = addressType
            self.address = address
        }

        package init(host: NetworkAddress.Host) {
            if case .ipv6 = host { addressType = "IP6" } else { addressType = "IP4" }
            address = host.description
        }

        /// nil for a name or a multicast address: neither takes a telephone call.
        package var host: NetworkAddress.Host? {
            guard let host = NetworkAddress.Host(address) else { return nil }
            switch host {
            case .ipv4(let bits): return bits >> 28 == 0xe ? nil : host
            case .ipv6(let high, _): return high >> 56 == 0xff ? nil : host
            }
        }
    }

    /// `a=name` or `a=name:value`.
    package struct Attribute: Equatable, Sendable {
        package var name: String
        package var value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }
}

/// One `m=` section (RFC 8866 §5.14).
package struct MediaDescription: Equatable, Sendable {
    /// `audio`, `video`, `application`, `image`, …
    package var kind: String
    /// 0 switches the media off (RFC 3264 §6).
    package var port: UInt16
    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `udptl`, …
    package var transport: String
    /// Payload type numbers for RTP, other words for other transports; at least one.
    package var formats: [String]
    package var connection: SessionDescription.Connection?
    package var bandwidth: [String]
    package var attributes: [SessionDescription.Attribute]

    package init(
        kind: String, port: UInt16, transport: String, formats: [String],
        connection: SessionDescription.Connection? = nil, bandwidth: [String] = [],
        attributes: [SessionDescription.Attribute] = []
    ) {
        self.kind = kind
        self.port = port
        self.transport = transport
        self.formats = formats
        self.connection = connection
        self.bandwidth = bandwidth
        self.attributes = attributes
    }
}

/// Both levels carry attributes, and both are asked in the same way.
package protocol AttributeCarrier {
    var attributes: [SessionDescription.Attribute] { get }
}

extension SessionDescription: AttributeCarrier {}
extension MediaDescription: AttributeCarrier {}

extension AttributeCarrier {
    package func has(_ name: String) -> Bool {
        attributes.contains { $0.name == name }
    }

    /// The value of the first attribute of that name; nil if there is none or it has no value.
    package func value(of name: String) -> String? {
        attributes.first { $0.name == name }?.value
    }

    package func values(of name: String) -> [String] {
        attributes.compactMap { $0.name == name ? $0.value : nil }
    }

    /// The last word counts where several directions are said.
    package var direction: MediaDirection? {
        attributes.lazy.reversed().compactMap { $0.value == nil ? MediaDirection(rawValue: $0.name) : nil }.first
    }
}
