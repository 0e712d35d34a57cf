package import Glibc

/// An IPv4 or IPv6 address with a port: where a datagram came from or goes to.
///
/// Always numeric: names are resolved elsewhere. IPv4-mapped IPv6 addresses become plain IPv4, so that one
/// peer has one value whatever socket it was heard on.
package struct NetworkAddress: Hashable, Sendable, Codable {
    package enum Host: Hashable, Sendable {
        /// Network order in the integer's significance: 192.0.2.1 is 0xC0000201.
        case ipv4(UInt32)
        case ipv6(high: UInt64, low: UInt64)
    }

    package var host: Host
    /// 0...65535
    package var port: UInt16

    package init(host: Host, port: UInt16) {
        if case .ipv6(0, let low) = host, low >> 32 == 0xffff {
            self.host = .ipv4(UInt32(truncatingIfNeeded: low))
        } else {
            self.host = host
        }
        self.port = port
    }

    /// - Parameter text: `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`.
    /// - Returns: nil for anything that is not a numeric address.
    package init?(_ text: String, port: UInt16) {
        guard let host = Host(text) else { return nil }
        self.init(host: host, port: port)
    }

    /// - Parameter text: `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    package init?(hostAndPort text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        guard !host.contains(":") || host.hasPrefix("[") else { return nil }
        self.init(String(host), port: port)
    }

    package var isIPv6: Bool {
        if case .ipv6 = host { true } else { false }
    }
}

extension NetworkAddress.Host {
    package init?(_ text: String) {
        var bare = Substring(text)
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = bare.dropFirst().dropLast() }
        guard bare.utf8.count <= 45 else { return nil }
        let string = String(bare)
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, string, &four) == 1 {
            self = .ipv4(UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, string, &six) == 1 {
            self = withUnsafeBytes(of: &six) { Self(network: $0) }
        } else {
            return nil
        }
    }

    /// 16 bytes in network order.
    fileprivate init(network bytes: UnsafeRawBufferPointer) {
        self = .ipv6(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// `10/8`, `172.16/12`, `192.168/16`, `100.64/10` (RFC 1918, 6598), loopback, link-local, `fc00::/7`:
    /// addresses that the public Internet cannot reach.
    package var isPrivate: Bool {
        switch self {
        case .ipv4(let bits):
            bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8 || bits >> 22 == 0x191
                || bits >> 24 == 127 || bits >> 16 == 0xa9fe || bits == 0
        case .ipv6(let high, let low):
            high >> 57 == 0x7e || high >> 54 == 0x3fa || (high == 0 && low <= 1)
        }
    }

    package var isUnspecified: Bool {
        switch self {
        case .ipv4(let bits): bits == 0
        case .ipv6(let high, let low): high == 0 && low == 0
        }
    }
}

extension NetworkAddress.Host: CustomStringConvertible {
    package var description: String {
        var text = [CChar](repeating: 0, count: 46)
        switch self {
        case .ipv4(let bits):
            var address = in_addr(s_addr: bits.bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        case .ipv6(let high, let low):
            var pair = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &pair, &text, socklen_t(text.count))
        }
        return text.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}

extension NetworkAddress.Host: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let host = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a numeric address")
        }
        self = host
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension NetworkAddress {
    /// Reads a socket address that the kernel filled in; nil for a family that is not IP.
    package init?(_ storage: sockaddr_storage) {
        let parsed: NetworkAddress? = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let address = bytes.loadUnaligned(as: sockaddr_in.self)
                return NetworkAddress(
                    host: .ipv4(UInt32(bigEndian: address.sin_addr.s_addr)), port: UInt16(bigEndian: address.sin_port))
            case AF_INET6:
                var address = bytes.loadUnaligned(as: sockaddr_in6.self)
                let host = withUnsafeBytes(of: &address.sin6_addr) { NetworkAddress.Host(network: $0) }
                return NetworkAddress(host: host, port: UInt16(bigEndian: address.sin6_port))
            default:
                return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// The kernel's form of the address.
    /// - Parameter asIPv6: maps IPv4 into `::ffff:0:0/96`, for a socket that carries both families.
    /// - Returns: the storage and how many of its bytes count.
    package func socketAddress(asIPv6: Bool = false) -> (storage: sockaddr_storage, length: socklen_t) {
        var storage = sockaddr_storage()
        var bits = (UInt64(0), UInt64(0))
        switch host {
        case .ipv4(let address):
            guard asIPv6 else {
                var four = sockaddr_in()
                four.sin_family = sa_family_t(AF_INET)
                four.sin_port = port.bigEndian
                four.sin_addr.s_addr = address.bigEndian
                withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four, as: sockaddr_in.self) }
                return (storage, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            bits = (0, UInt64(0xffff_0000_0000 | UInt64(address)).bigEndian)
        case .ipv6(let high, let low):
            bits = (high.bigEndian, low.bigEndian)
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &six.sin6_addr) { $0.storeBytes(of: bits, as: (UInt64, UInt64).self) }
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six, as: sockaddr_in6.self) }
        return (storage, socklen_t(MemoryLayout<sockaddr_in6>.size))
    }
}

extension NetworkAddress.Host {
    /// `169.254/16` and `fe80::/10`: good on one cable only.
    package var isLinkLocal: Bool {
        switch self {
        case .ipv4(let bits): bits >> 16 == 0xa9fe
        case .ipv6(let high, _): high >> 54 == 0x3fa
        }
    }
}
