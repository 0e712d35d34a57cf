/// Serial-number arithmetic (RFC 1982) on RTP sequence numbers and timestamps: all of it wraps, none traps.
extension UInt16 {
    /// How far `self` lies after `other`, −32768...32767; negative if before.
    package func distance(after other: UInt16) -> Int {
        Int(Int16(bitPattern: self &- other))
    }
}

extension UInt32 {
    /// How far `self` lies after `other`, −2³¹..<2³¹; negative if before.
    package func distance(after other: UInt32) -> Int {
        Int(Int32(bitPattern: self &- other))
    }
}
