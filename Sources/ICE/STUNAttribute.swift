import Wire

/// Attribute types (RFC 8489 §18.3, RFC 8445 §16.1) and the one value that needs arithmetic.
enum STUNAttribute {
    static let username: UInt16 = 0x0006
    static let messageIntegrity: UInt16 = 0x0008
    static let errorCode: UInt16 = 0x0009
    static let unknownAttributes: UInt16 = 0x000a
    static let xorMappedAddress: UInt16 = 0x0020
    static let priority: UInt16 = 0x0024
    static let useCandidate: UInt16 = 0x0025
    static let fingerprint: UInt16 = 0x8028
    static let iceControlled: UInt16 = 0x8029
    static let iceControlling: UInt16 = 0x802a

    /// Comprehension-required types that we know and need not read: MAPPED-ADDRESS, UNKNOWN-ATTRIBUTES, REALM, NONCE,
    /// MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH.
    static func isKnownAndIgnored(_ type: UInt16) -> Bool {
        switch type {
        case 0x0001, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e: true
        default: false
        }
    }

    /// ```
    /// |   0           |  1 or 2       |  port XOR cookie's top 16 bits |
    /// |  address XOR cookie (IPv4), XOR cookie and transaction id (IPv6)
    /// ```
    /// RFC 8489 §14.2.
    static func readXORAddress(
        _ value: UnsafeRawBufferPointer, _ transaction: STUNMessage.TransactionIdentifier
    ) -> NetworkAddress? {
        guard value.count >= 4 else { return nil }
        let cookie = STUNMessage.magicCookie
        let port =
            UInt16(bigEndian: value.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            ^ UInt16(truncatingIfNeeded: cookie >> 16)
        switch (value[1], value.count) {
        case (1, 8):
            let bits = UInt32(bigEndian: value.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            return NetworkAddress(host: .ipv4(bits ^ cookie), port: port)
        case (2, 20):
            let high = UInt64(bigEndian: value.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
            let low = UInt64(bigEndian: value.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
            let mask = UInt64(cookie) << 32 | UInt64(transaction.high)
            return NetworkAddress(host: .ipv6(high: high ^ mask, low: low ^ transaction.low), port: port)
        default:
            return nil
        }
    }
}
