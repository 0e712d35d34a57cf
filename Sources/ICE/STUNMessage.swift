package import Wire

/// Why a datagram is not a STUN message.
package enum STUNError: Error, Equatable, Sendable {
    /// Shorter than the header, or its length field disagrees with the datagram.
    case length
    /// First two bits or the magic cookie are wrong.
    case notSTUN
    /// The attribute at this offset runs over the end or has an impossible length.
    case attribute(offset: Int)
    case tooManyAttributes
    /// FINGERPRINT is there and wrong.
    case fingerprint
}

/// A STUN message (RFC 8489 §5) borrowed from the buffer that it arrived in: nothing is copied, so use it only
/// inside the closure that lent the bytes.
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |0 0|   message type (14 bits)  |  length, header not counted   |
/// |                  magic cookie 0x2112A442                      |
/// |                 transaction id (96 bits)                      |
/// |   attribute type              |   length without padding      |
/// |   value, padded to 4 bytes …
/// ```
package struct STUNMessage {
    package enum Class: UInt16, Sendable {
        case request = 0x000
        case indication = 0x010
        case success = 0x100
        case error = 0x110

        /// Its two bits lie between the method's (RFC 8489 §5, figure 3).
        fileprivate init(type: UInt16) {
            self =
                switch type & 0x110 {
                case 0x000: .request
                case 0x010: .indication
                case 0x100: .success
                default: .error
                }
        }
    }

    package struct TransactionIdentifier: Hashable, Sendable {
        package var high: UInt32
        package var low: UInt64

        package init(high: UInt32, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    package static let magicCookie: UInt32 = 0x2112_a442
    package static let headerLength = 20
    package static let bindingMethod: UInt16 = 0x001
    /// More than any peer sends, few enough that a flood of them is cheap.
    private static let mostAttributes = 32

    let bytes: UnsafeRawBufferPointer
    package let messageClass: Class
    package let method: UInt16
    package let transaction: TransactionIdentifier

    package private(set) var username: UnsafeRawBufferPointer?
    package private(set) var priority: UInt32?
    package private(set) var useCandidate = false
    /// The tie-breaker of ICE-CONTROLLING, if the sender says that it controls.
    package private(set) var controlling: UInt64?
    package private(set) var controlled: UInt64?
    /// From XOR-MAPPED-ADDRESS.
    package private(set) var mappedAddress: NetworkAddress?
    /// 300...699 from ERROR-CODE.
    package private(set) var errorCode: Int?
    /// FINGERPRINT was there and right.
    package private(set) var hasFingerprint = false
    /// Where MESSAGE-INTEGRITY begins; only what is before it is vouched for.
    private(set) var integrityOffset: Int?
    /// The first comprehension-required attribute that this box does not know (RFC 8489 §6.3.1).
    package private(set) var firstUnknownRequired: UInt16?

    /// Whether the datagram can be STUN at all: a glance of three comparisons (RFC 7983 §7, RFC 8489 §6.3).
    package static func isPlausible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= headerLength && bytes[0] < 4
            && UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) == magicCookie
    }

    /// - Throws: see ``STUNError``. A wrong MESSAGE-INTEGRITY is not seen here: ask ``isIntact(key:)``.
    package init(_ bytes: UnsafeRawBufferPointer) throws(STUNError) {
        guard bytes.count >= Self.headerLength else { throw .length }
        guard Self.isPlausible(bytes) else { throw .notSTUN }
        self.bytes = bytes
        var reader = ByteReader(bytes)
        do throws(WireError) {
            let type = try reader.readUInt16()
            messageClass = Class(type: type)
            method = type & 0x000f | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2
            let length = try reader.readUInt16()
            guard Int(length) == bytes.count - Self.headerLength, length & 3 == 0 else {
                throw WireError.truncated(needed: Int(length), left: reader.remaining)
            }
            try reader.skip(4)
            transaction = TransactionIdentifier(high: try reader.readUInt32(), low: try reader.readUInt64())
        } catch {
            throw .length
        }
        try readAttributes(&reader)
    }

    private mutating func readAttributes(_ reader: inout ByteReader) throws(STUNError) {
        var count = 0
        while reader.remaining > 0 {
            let offset = reader.position
            count += 1
            guard count <= Self.mostAttributes else { throw .tooManyAttributes }
            let type: UInt16
            let value: UnsafeRawBufferPointer
            do throws(WireError) {
                type = try reader.readUInt16()
                let length = Int(try reader.readUInt16())
                value = try reader.readBytes(length)
                try reader.skip(-length & 3)
            } catch {
                throw .attribute(offset: offset)
            }
            if type == STUNAttribute.fingerprint {
                guard value.count == 4, reader.remaining == 0 else { throw .attribute(offset: offset) }
                let told = UInt32(bigEndian: value.loadUnaligned(as: UInt32.self))
                guard told == CRC32.fingerprint(UnsafeRawBufferPointer(rebasing: bytes[..<offset])) else {
                    throw .fingerprint
                }
                hasFingerprint = true
            } else if integrityOffset == nil {
                guard take(type, value, at: offset) else { throw .attribute(offset: offset) }
            }
            // Anything else after MESSAGE-INTEGRITY is not vouched for and does not count (RFC 8489 §14.5).
        }
    }

    /// - Returns: false if the value cannot be one of this type. Of repeated attributes the first counts.
    private mutating func take(_ type: UInt16, _ value: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        switch type {
        case STUNAttribute.username:
            guard value.count <= 513 else { return false }
            username = username ?? value
        case STUNAttribute.messageIntegrity:
            guard value.count == 20 else { return false }
            integrityOffset = offset
        case STUNAttribute.priority:
            guard value.count == 4 else { return false }
            priority = priority ?? UInt32(bigEndian: value.loadUnaligned(as: UInt32.self))
        case STUNAttribute.useCandidate:
            useCandidate = true
        case STUNAttribute.iceControlling:
            guard value.count == 8 else { return false }
            controlling = controlling ?? UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
        case STUNAttribute.iceControlled:
            guard value.count == 8 else { return false }
            controlled = controlled ?? UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
        case STUNAttribute.xorMappedAddress:
            guard let address = STUNAttribute.readXORAddress(value, transaction) else { return false }
            mappedAddress = mappedAddress ?? address
        case STUNAttribute.errorCode:
            guard value.count >= 4, (3...6).contains(value[2] & 7), value[3] < 100 else { return false }
            errorCode = errorCode ?? Int(value[2] & 7) * 100 + Int(value[3])
        case 0..<0x8000 where !STUNAttribute.isKnownAndIgnored(type):
            firstUnknownRequired = firstUnknownRequired ?? type
        default:
            break
        }
        return true
    }

    /// Whether MESSAGE-INTEGRITY is there and made with this key (RFC 8489 §14.5). Takes the same time for any
    /// wrong value.
    package func isIntact(key: STUNKey) -> Bool {
        guard let offset = integrityOffset else { return false }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)...]))
        guard let told = try? STUNIntegrity(&reader) else { return false }
        return told.equals(key.messageIntegrity(of: bytes, upTo: offset))
    }
}
