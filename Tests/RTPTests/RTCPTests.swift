import RTP
import Testing
import Wire

/// What a test wants to know of a packet after its buffer is gone.
private enum Seen: Equatable {
    case senderReport(UInt32, SenderInformation, [ReportBlock])
    case receiverReport(UInt32, [ReportBlock])
    case names(String?)
    case goodbye(count: Int, reason: String?)
    case feedback(UInt8, UInt8, UInt32, UInt32, bytes: Int)
    case other(UInt8)
}

private func blocks(_ view: ReportBlocks) -> [ReportBlock] {
    (0..<view.count).compactMap { view[$0] }
}

private func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
}

private func read(_ bytes: [UInt8], about ssrc: UInt32 = 0) throws -> [Seen] {
    try bytes.withUnsafeBytes { buffer in
        var reader = try RTCPReader(buffer)
        var seen: [Seen] = []
        while let packet = try reader.next() {
            switch packet {
            case .senderReport(let ssrc, let information, let view):
                seen.append(.senderReport(ssrc, information, blocks(view)))
            case .receiverReport(let ssrc, let view): seen.append(.receiverReport(ssrc, blocks(view)))
            case .sourceDescription(let names): seen.append(.names(text(names.canonicalName(of: ssrc))))
            case .goodbye(let sources):
                _ = sources.contains(ssrc)
                seen.append(.goodbye(count: sources.count, reason: text(sources.reason)))
            case .feedback(let type, let format, let sender, let media, let control):
                seen.append(.feedback(type, format, sender, media, bytes: control.count))
            case .other(let type): seen.append(.other(type))
            }
        }
        return seen
    }
}

@Suite("RFC 3550 §6 RTCP from elsewhere", .enabled(if: Corpus.isPresent))
struct RTCPCorpusTests {
    @Test("sender report with a block")
    func senderReport() throws {
        let seen = try read(Corpus.bytes("rtcp_sr"))
        let block = ReportBlock(
            ssrc: 0x8ef8_91ed, fractionLost: 0, cumulativeLost: 0, extendedHighest: 246, jitter: 127,
            lastSenderReport: 0, delaySinceLastSenderReport: 0)
        let information = SenderInformation(
            ntp: NTPTime(bits: 0xde46_475b_151a_005c), timestamp: 1_722_342_718, packets: 269, bytes: 13557)
        #expect(seen == [.senderReport(1_831_097_322, information, [block])])
    }

    @Test("receiver report with a block")
    func receiverReport() throws {
        let block = ReportBlock(
            ssrc: 1_200_895_919, fractionLost: 0, cumulativeLost: 0, extendedHighest: 630, jitter: 1906,
            lastSenderReport: 0, delaySinceLastSenderReport: 0)
        #expect(try read(Corpus.bytes("rtcp_rr")) == [.receiverReport(817_267_719, [block])])
    }

    @Test("source description")
    func sourceDescription() throws {
        let bytes = try Corpus.bytes("rtcp_sdes")
        #expect(try read(bytes, about: 1_831_097_322) == [.names("{63f459ea-41fe-4474-9d33-9707c9ee79d1}")])
        #expect(try read(bytes, about: 1) == [.names(nil)])
    }

    @Test("goodbye with a source, without one, and with padding alone")
    func goodbye() throws {
        #expect(try read(Corpus.bytes("rtcp_bye")) == [.goodbye(count: 1, reason: nil)])
        #expect(try read(Corpus.bytes("rtcp_bye_no_sources")) == [.goodbye(count: 0, reason: nil)])
        #expect(try read(Corpus.bytes("rtcp_bye_padding")) == [.goodbye(count: 0, reason: nil)])
    }

    @Test("feedback that browsers send")
    func feedback() throws {
        #expect(
            try read(Corpus.bytes("rtcp_psfb_pli")) == [.feedback(206, 1, 0x5450_6265, 0x2301_3fb9, bytes: 0)])
        #expect(
            try read(Corpus.bytes("rtcp_rtpfb")) == [.feedback(205, 1, 0x8b44_77bb, 0xf71d_eee4, bytes: 40)])
    }

    @Test(
        "packets shorter than their counts are refused",
        arguments: [
            ("rtcp_bye_invalid", 203), ("rtcp_psfb_invalid", 206), ("rtcp_rtpfb_invalid", 205),
            ("rtcp_rr_invalid", 201),
            ("rtcp_sr_invalid", 200), ("rtcp_sdes_item_truncated", 202),
        ] as [(String, UInt8)])
    func truncated(name: String, type: UInt8) throws {
        let bytes = try Corpus.bytes(name)
        #expect(throws: RTCPError.truncated(type: type)) { try read(bytes) }
    }

    @Test("a chain that leads into no packet is refused before anything is believed")
    func brokenChain() throws {
        let bytes = try Corpus.bytes("rtcp_sdes_source_truncated")
        #expect(throws: RTCPError.unknownType(0)) { try read(bytes) }
    }
}

@Suite("RFC 3550 §6 RTCP of our own")
struct RTCPWriterTests {
    private let block = ReportBlock(
        ssrc: 2, fractionLost: 255, cumulativeLost: -3, extendedHighest: 0x1_2345, jitter: 77,
        lastSenderReport: 0xaabb_ccdd, delaySinceLastSenderReport: .max)
    private let information = SenderInformation(
        ntp: NTPTime(bits: .max - 1), timestamp: 4, packets: 5, bytes: 6)

    @Test("what is written is read back", arguments: ["", "a", "ab", "abc", "abcd", "box@sipcall"])
    func roundTrip(name: String) throws {
        var buffer = [UInt8](repeating: 0xee, count: 256)
        let length = try buffer.withUnsafeMutableBytes { bytes in
            var writer = RTCPWriter(bytes)
            try writer.senderReport(ssrc: 1, information, block)
            try writer.receiverReport(ssrc: 1, nil)
            try writer.sourceDescription(ssrc: 1, canonicalName: name)
            try writer.goodbye(ssrc: 1, reason: name)
            return writer.length
        }
        #expect(length % 4 == 0)
        #expect(
            try read(Array(buffer.prefix(length)), about: 1) == [
                .senderReport(1, information, [block]), .receiverReport(1, []), .names(name),
                .goodbye(count: 1, reason: name.isEmpty ? nil : name),
            ])
    }

    @Test("a name that is too long is cut, not refused")
    func longName() throws {
        var buffer = [UInt8](repeating: 0, count: 512)
        let length = try buffer.withUnsafeMutableBytes { bytes in
            var writer = RTCPWriter(bytes)
            try writer.sourceDescription(ssrc: 1, canonicalName: String(repeating: "x", count: 300))
            return writer.length
        }
        let seen = try read(Array(buffer.prefix(length)), about: 1)
        #expect(seen == [.names(String(repeating: "x", count: 255))])
    }

    @Test("no buffer is overrun", arguments: 0..<100)
    func noRoom(room: Int) {
        var buffer = [UInt8](repeating: 0xee, count: 128)
        var isRefused = false
        buffer.withUnsafeMutableBytes { bytes in
            var writer = RTCPWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[..<room]))
            do {
                try writer.senderReport(ssrc: 1, information, block)
                try writer.sourceDescription(ssrc: 1, canonicalName: "box@sipcall.example.org")
                try writer.goodbye(ssrc: 1)
            } catch {
                isRefused = true
            }
        }
        #expect(isRefused == (room < 52 + 36 + 8))
        #expect(buffer[room...].allSatisfy { $0 == 0xee })
    }

    @Test("the due report is SR after sending, RR after silence, with BYE at the end")
    func dueReport() throws {
        var sender = SenderStatistics(ssrc: 1)
        var receiver = ReceiverStatistics()
        sender.sent(timestamp: 9, payloadBytes: 160, clockRate: 8000, now: .zero)
        receiver.received(header(1, 1, ssrc: 2), clockRate: 8000, now: .zero)
        var buffer = [UInt8](repeating: 0, count: 104 + 3)
        func write(isGoodbye: Bool) throws -> [Seen] {
            let length = try buffer.withUnsafeMutableBytes { bytes in
                try RTCP.writeReport(
                    into: bytes, sender: &sender, receiver: &receiver, canonicalName: "box", isGoodbye: isGoodbye,
                    ntp: NTPTime(bits: 3), now: .zero)
            }
            return try read(Array(buffer.prefix(length)), about: 1)
        }
        let first = try write(isGoodbye: false)
        guard case .senderReport(1, let information, let reported) = first.first else {
            Issue.record("no sender report: \(first)")
            return
        }
        #expect(information.packets == 1)
        #expect(reported.map(\.ssrc) == [2])
        #expect(first.dropFirst() == [.names("box")])
        let second = try write(isGoodbye: true)
        guard case .receiverReport(1, _) = second.first else {
            Issue.record("no receiver report: \(second)")
            return
        }
        #expect(second.last == .goodbye(count: 1, reason: nil))
    }

    @Test("RTP and RTCP on one port are told apart (RFC 5761 §4)")
    func demultiplexing() {
        func isRTCP(_ second: UInt8, first: UInt8 = 0x80) -> Bool {
            ([first, second] + [UInt8](repeating: 0, count: 10)).withUnsafeBytes { RTCP.isRTCP($0) }
        }
        #expect((0...255 as ClosedRange<UInt8>).filter { isRTCP($0) } == Array(192...223))
        #expect(!isRTCP(200, first: 0))
        #expect(![0x80, 200, 0].withUnsafeBytes { RTCP.isRTCP($0) })
    }

    @Test("padding only on the last packet, and only in whole words")
    func padding() {
        let bye: [UInt8] = [0xa1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]
        #expect(throws: Never.self) { try read(bye) }
        #expect(throws: RTCPError.paddingInvalid) { try read(bye + [0x80, 203, 0, 0]) }
        #expect(throws: RTCPError.paddingInvalid) { try read(bye.dropLast() + [3]) }
        #expect(throws: RTCPError.paddingInvalid) { try read(bye.dropLast() + [12]) }
        #expect(throws: RTCPError.paddingInvalid) { try read([0xa0, 203, 0, 0]) }
        #expect(throws: RTCPError.truncated(type: 203)) { try read(bye.dropLast() + [8]) }
    }

    @Test("mutated compounds never trap")
    func mutated() throws {
        var compound = [UInt8](repeating: 0, count: 200)
        let length = try compound.withUnsafeMutableBytes { bytes in
            var writer = RTCPWriter(bytes)
            try writer.senderReport(ssrc: 1, information, block)
            try writer.sourceDescription(ssrc: 1, canonicalName: "box")
            try writer.goodbye(ssrc: 1, reason: "over")
            return writer.length
        }
        var seeds = [Array(compound.prefix(length))]
        if Corpus.isPresent { seeds += try Corpus.all().filter { $0.count > 1 && (192...223).contains($0[1]) } }
        var generator = SeededGenerator(seed: 3551)
        var accepted = 0
        for _ in 0..<60_000 {
            if (try? read(mutate(seeds, using: &generator), about: 1)) != nil { accepted += 1 }
        }
        #expect(accepted > 1000)
    }
}
