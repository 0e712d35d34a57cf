// Network order at offsets that the caller has checked already: the media path's own reads and writes.

@inline(__always)
func bigEndian16(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt16 {
    UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
}

@inline(__always)
func bigEndian32(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
    UInt32(bigEndian16(bytes, at: offset)) << 16 | UInt32(bigEndian16(bytes, at: offset + 2))
}

@inline(__always)
func putBigEndian(_ value: UInt16, into bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
    bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
}

@inline(__always)
func putBigEndian(_ value: UInt32, into bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
    putBigEndian(UInt16(truncatingIfNeeded: value >> 16), into: bytes, at: offset)
    putBigEndian(UInt16(truncatingIfNeeded: value), into: bytes, at: offset + 2)
}
