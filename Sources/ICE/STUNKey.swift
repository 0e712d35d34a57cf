import Crypto
import Wire

/// A short-term credential's password, ready to make MESSAGE-INTEGRITY with: HMAC-SHA1 (RFC 8489 §9.1, §14.5).
///
/// Both halves of HMAC (RFC 2104 §2) have already taken in the padded key, so a check hashes only the message.
package struct STUNKey: Sendable {
    private let inner: Insecure.SHA1
    private let outer: Insecure.SHA1

    /// - Parameter password: `a=ice-pwd`, used as its bytes: ice-chars are the same before and after OpaqueString.
    package init(password: String) {
        var key = [UInt8](password.utf8)
        if key.count > Insecure.SHA1.blockByteCount {
            key = Array(Insecure.SHA1.hash(data: key))
        }
        key.append(contentsOf: repeatElement(0, count: Insecure.SHA1.blockByteCount - key.count))
        var inner = Insecure.SHA1()
        inner.update(data: key.map { $0 ^ 0x36 })
        var outer = Insecure.SHA1()
        outer.update(data: key.map { $0 ^ 0x5c })
        self.inner = inner
        self.outer = outer
    }

    /// - Parameter offset: where MESSAGE-INTEGRITY begins (or will). The length field counts as if the message
    ///   ended behind that attribute, whatever the bytes say.
    func messageIntegrity(of bytes: UnsafeRawBufferPointer, upTo offset: Int) -> STUNIntegrity {
        var hash = inner
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[0..<2]))
        let length = UInt16(truncatingIfNeeded: offset &+ 24 &- STUNMessage.headerLength)
        withUnsafeBytes(of: length.bigEndian) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[4..<offset]))
        let digest = hash.finalize()
        var envelope = outer
        digest.withUnsafeBytes { envelope.update(bufferPointer: $0) }
        return envelope.finalize().withUnsafeBytes { bytes in
            STUNIntegrity(
                first: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                second: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                third: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
        }
    }
}

/// The 20 bytes of MESSAGE-INTEGRITY, in registers.
struct STUNIntegrity {
    let first: UInt64
    let second: UInt64
    let third: UInt32

    init(first: UInt64, second: UInt64, third: UInt32) {
        self.first = first
        self.second = second
        self.third = third
    }

    init(_ reader: inout ByteReader) throws(WireError) {
        first = try reader.readUInt64()
        second = try reader.readUInt64()
        third = try reader.readUInt32()
    }

    func write(to writer: inout ByteWriter) throws(WireError) {
        try writer.write(first)
        try writer.write(second)
        try writer.write(third)
    }

    /// Takes the same time wherever the difference lies.
    func equals(_ other: Self) -> Bool {
        (first ^ other.first) | (second ^ other.second) | UInt64(third ^ other.third) == 0
    }
}

/// The checksum of FINGERPRINT (RFC 8489 §14.7; ITU V.42).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
    }

    /// CRC-32 of the message up to the attribute, XOR "STUN".
    static func fingerprint(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value: UInt32 = 0xffff_ffff
            for byte in bytes {
                value = table[Int((value ^ UInt32(byte)) & 0xff)] ^ (value >> 8)
            }
            return ~value ^ 0x5354_554e
        }
    }
}
