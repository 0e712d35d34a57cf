import Wire

/// One packet of a compound one. It borrows the datagram: use it only while that lives.
package enum RTCPPacket {
    case senderReport(ssrc: UInt32, SenderInformation, ReportBlocks)
    case receiverReport(ssrc: UInt32, ReportBlocks)
    case sourceDescription(SourceDescriptions)
    case goodbye(GoodbyeSources)
    /// Feedback of RFC 4585; `format` is FMT, `control` the FCI.
    case feedback(type: UInt8, format: UInt8, sender: UInt32, media: UInt32, control: UnsafeRawBufferPointer)
    /// APP, XR and types to come: checked for their length only.
    case other(type: UInt8)
}

/// The report blocks of one SR or RR.
package struct ReportBlocks {
    private let bytes: UnsafeRawBufferPointer
    /// 0...31
    package let count: Int

    /// - Throws: `truncated` if the bytes hold fewer blocks.
    init(count: Int, in bytes: UnsafeRawBufferPointer) throws(WireError) {
        guard count * ReportBlock.length <= bytes.count else {
            throw .truncated(needed: count * ReportBlock.length, left: bytes.count)
        }
        self.bytes = bytes
        self.count = count
    }

    /// - Returns: nil beyond `count`.
    package subscript(_ index: Int) -> ReportBlock? {
        guard index >= 0, index < count else { return nil }
        let start = index * ReportBlock.length
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start..<start + ReportBlock.length]))
        return try? ReportBlock(reading: &reader)
    }

    /// The first block about a source, usually a stream of ours.
    package func about(_ ssrc: UInt32) -> ReportBlock? {
        for index in 0..<count {
            if let block = self[index], block.ssrc == ssrc { return block }
        }
        return nil
    }
}

/// The chunks of an SDES packet (RFC 3550 §6.5), checked whole when it is read.
///
///     |                          SSRC                                 |
///     |    CNAME=1    |     length    | user and domain name        ...
///     |    ... items, ended by a zero and filled up to 32 bits        |
package struct SourceDescriptions {
    private let bytes: UnsafeRawBufferPointer
    package let count: Int

    init(count: Int, in bytes: UnsafeRawBufferPointer) throws(WireError) {
        self.bytes = bytes
        self.count = count
        _ = try Self.find(cnameOf: nil, count: count, in: bytes)
    }

    /// The canonical name of a source (RFC 3550 §6.5.1).
    package func canonicalName(of ssrc: UInt32) -> UnsafeRawBufferPointer? {
        try? Self.find(cnameOf: ssrc, count: count, in: bytes)
    }

    private static func find(
        cnameOf wanted: UInt32?, count: Int, in bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> UnsafeRawBufferPointer? {
        var reader = ByteReader(bytes)
        for _ in 0..<count {
            let ssrc = try reader.readUInt32()
            while true {
                let item = try reader.readUInt8()
                guard item != 0 else { break }
                let text = try reader.readBytes(Int(try reader.readUInt8()))
                if item == 1, ssrc == wanted { return text }
            }
            try reader.skip((4 - reader.position % 4) % 4)
        }
        return nil
    }
}

/// The sources that a BYE names (RFC 3550 §6.6).
package struct GoodbyeSources {
    private let bytes: UnsafeRawBufferPointer
    /// 0...31
    package let count: Int
    /// Why they leave, as they say; nil if they do not.
    package let reason: UnsafeRawBufferPointer?

    init(count: Int, in bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(bytes)
        self.bytes = try reader.readBytes(4 * count)
        self.count = count
        reason = reader.remaining > 0 ? try reader.readBytes(Int(try reader.readUInt8())) : nil
    }

    package func contains(_ ssrc: UInt32) -> Bool {
        for index in 0..<count where bigEndian32(bytes, at: 4 * index) == ssrc { return true }
        return false
    }
}
