/// Neighbouring addresses, as `192.0.2.0/24` (RFC 4632) or `2001:db8::/32` (RFC 4291 §2.3).
package struct AddressBlock: Hashable, Sendable {
    /// The first of them.
    package let base: NetworkAddress.Host
    /// How many leading bits they share: 0...32, or 0...128.
    package let length: Int

    /// - Parameter text: an address with or without the length behind a slash; one without is a block of its own.
    /// - Returns: nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let host = NetworkAddress.Host(String(first)) else { return nil }
        let longest = if case .ipv4 = host { 32 } else { 128 }
        var length = longest
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let written = Int(digits), written <= longest
            else { return nil }
            length = written
        }
        self.length = length
        base = host.first(length)
    }

    package func contains(_ host: NetworkAddress.Host) -> Bool {
        switch (base, host) {
        case (.ipv4, .ipv4), (.ipv6, .ipv6): host.first(length) == base
        case (.ipv4, .ipv6), (.ipv6, .ipv4): false
        }
    }
}

extension NetworkAddress.Host {
    /// The address with all but its leading bits cleared.
    fileprivate func first(_ length: Int) -> Self {
        switch self {
        case .ipv4(let bits): .ipv4(bits & ~(UInt32.max >> length))
        case .ipv6(let high, let low):
            // A shift past the width gives 0.
            .ipv6(high: high & ~(UInt64.max >> length), low: low & ~(UInt64.max >> max(length - 64, 0)))
        }
    }
}

extension AddressBlock: CustomStringConvertible {
    package var description: String { "\(base)/\(length)" }
}

extension AddressBlock: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let block = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a block of addresses")
        }
        self = block
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
