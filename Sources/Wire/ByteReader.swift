/// Why reading or writing bytes stopped.
package enum WireError: Error, Equatable, Sendable {
    /// Fewer bytes are left than the field needs.
    case truncated(needed: Int, left: Int)
    /// The destination buffer is too small for what is to be written.
    case noRoom(needed: Int, left: Int)
}

/// A cursor over bytes from a stranger: every read is checked, none can trap.
/// A read that fails moves nothing.
///
/// It borrows the buffer: use it only inside the closure that lent the bytes.
package struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// The next byte to be read, `0...count`.
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    package var remaining: Int { bytes.count - position }

    private mutating func advance(_ count: Int) throws(WireError) -> Int {
        guard count >= 0, count <= remaining else { throw .truncated(needed: count, left: remaining) }
        defer { position += count }
        return position
    }

    package mutating func readUInt8() throws(WireError) -> UInt8 {
        bytes[try advance(1)]
    }

    /// Big-endian, as every field of the protocols here.
    package mutating func readUInt16() throws(WireError) -> UInt16 {
        let at = try advance(2)
        return UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
    }

    package mutating func readUInt32() throws(WireError) -> UInt32 {
        let at = try advance(4)
        return UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }

    package mutating func readUInt64() throws(WireError) -> UInt64 {
        let at = try advance(8)
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    /// The next `count` bytes, borrowed from the same buffer.
    package mutating func readBytes(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        let at = try advance(count)
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    package mutating func skip(_ count: Int) throws(WireError) {
        _ = try advance(count)
    }
}

/// A cursor that fills a buffer of the caller's and refuses to run over its end.
package struct ByteWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    /// How much was written, `0...count`.
    package private(set) var position = 0

    package init(_ bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
    }

    private mutating func advance(_ count: Int) throws(WireError) -> Int {
        guard count <= bytes.count - position else {
            throw .noRoom(needed: count, left: bytes.count - position)
        }
        defer { position += count }
        return position
    }

    package mutating func write(_ value: UInt8) throws(WireError) {
        bytes[try advance(1)] = value
    }

    package mutating func write(_ value: UInt16) throws(WireError) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: try advance(2), as: UInt16.self)
    }

    package mutating func write(_ value: UInt32) throws(WireError) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: try advance(4), as: UInt32.self)
    }

    package mutating func write(_ value: UInt64) throws(WireError) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: try advance(8), as: UInt64.self)
    }

    package mutating func write(_ source: UnsafeRawBufferPointer) throws(WireError) {
        let at = try advance(source.count)
        UnsafeMutableRawBufferPointer(rebasing: bytes[at..<at + source.count]).copyMemory(from: source)
    }
}
