package import Wire

/// Writes one STUN message (RFC 8489 §5) into the caller's buffer.
package struct STUNWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    private let transaction: STUNMessage.TransactionIdentifier
    private var writer: ByteWriter

    /// - Throws: `WireError.noRoom` here and below if the buffer is too small.
    package init(
        _ bytes: UnsafeMutableRawBufferPointer, _ messageClass: STUNMessage.Class,
        method: UInt16 = STUNMessage.bindingMethod, transaction: STUNMessage.TransactionIdentifier
    ) throws(WireError) {
        self.bytes = bytes
        self.transaction = transaction
        writer = ByteWriter(bytes)
        try writer.write(
            messageClass.rawValue | method & 0x000f | (method & 0x0070) << 1 | (method & 0x0f80) << 2)
        try writer.write(UInt16(0))
        try writer.write(STUNMessage.magicCookie)
        try writer.write(transaction.high)
        try writer.write(transaction.low)
    }

    private mutating func begin(_ type: UInt16, length: Int) throws(WireError) {
        try writer.write(type)
        try writer.write(UInt16(truncatingIfNeeded: length))
    }

    private mutating func pad(_ length: Int) throws(WireError) {
        for _ in 0..<(-length & 3) { try writer.write(UInt8(0)) }
    }

    /// Every byte of text is copied as it is; at most 513 count (RFC 8489 §14.3).
    package mutating func username(_ name: String) throws(WireError) {
        try begin(STUNAttribute.username, length: name.utf8.count)
        for byte in name.utf8 { try writer.write(byte) }
        try pad(name.utf8.count)
    }

    package mutating func priority(_ priority: UInt32) throws(WireError) {
        try begin(STUNAttribute.priority, length: 4)
        try writer.write(priority)
    }

    package mutating func useCandidate() throws(WireError) {
        try begin(STUNAttribute.useCandidate, length: 0)
    }

    package mutating func controlling(_ tieBreaker: UInt64) throws(WireError) {
        try begin(STUNAttribute.iceControlling, length: 8)
        try writer.write(tieBreaker)
    }

    package mutating func controlled(_ tieBreaker: UInt64) throws(WireError) {
        try begin(STUNAttribute.iceControlled, length: 8)
        try writer.write(tieBreaker)
    }

    package mutating func mappedAddress(_ address: NetworkAddress) throws(WireError) {
        let cookie = STUNMessage.magicCookie
        let port = address.port ^ UInt16(truncatingIfNeeded: cookie >> 16)
        switch address.host {
        case .ipv4(let bits):
            try begin(STUNAttribute.xorMappedAddress, length: 8)
            try writer.write(UInt16(1))
            try writer.write(port)
            try writer.write(bits ^ cookie)
        case .ipv6(let high, let low):
            try begin(STUNAttribute.xorMappedAddress, length: 20)
            try writer.write(UInt16(2))
            try writer.write(port)
            try writer.write(high ^ (UInt64(cookie) << 32 | UInt64(transaction.high)))
            try writer.write(low ^ transaction.low)
        }
    }

    /// - Parameter code: 300...699
    package mutating func errorCode(_ code: Int, _ reason: String) throws(WireError) {
        try begin(STUNAttribute.errorCode, length: 4 + reason.utf8.count)
        try writer.write(UInt16(0))
        try writer.write(UInt8(truncatingIfNeeded: code / 100))
        try writer.write(UInt8(truncatingIfNeeded: code % 100))
        for byte in reason.utf8 { try writer.write(byte) }
        try pad(reason.utf8.count)
    }

    package mutating func unknownAttribute(_ type: UInt16) throws(WireError) {
        try begin(STUNAttribute.unknownAttributes, length: 2)
        try writer.write(type)
        try pad(2)
    }

    /// Ends the message with MESSAGE-INTEGRITY and FINGERPRINT.
    /// - Returns: the message's length in bytes.
    package consuming func finish(key: STUNKey) throws(WireError) -> Int {
        let end = writer.position
        try begin(STUNAttribute.messageIntegrity, length: 20)
        try key.messageIntegrity(of: UnsafeRawBufferPointer(bytes), upTo: end).write(to: &writer)
        return try finishWithoutIntegrity()
    }

    /// Ends the message with FINGERPRINT alone.
    package consuming func finishWithoutIntegrity() throws(WireError) -> Int {
        let end = writer.position
        setLength(end + 8)
        try begin(STUNAttribute.fingerprint, length: 4)
        try writer.write(CRC32.fingerprint(UnsafeRawBufferPointer(rebasing: bytes[..<end])))
        return writer.position
    }

    /// The length field must be right before the checksum is made (RFC 8489 §14.7).
    private func setLength(_ total: Int) {
        let length = UInt16(truncatingIfNeeded: total - STUNMessage.headerLength)
        bytes.storeBytes(of: length.bigEndian, toByteOffset: 2, as: UInt16.self)
    }
}
