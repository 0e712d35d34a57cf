import RTP
import Testing
import Wire

@Suite("RFC 3550 §5.1 RTP header")
struct RTPHeaderTests {
    @Test("a plain packet of sound", .enabled(if: Corpus.isPresent))
    func plain() throws {
        let header = try parseHeader(Corpus.bytes("rtp"))
        #expect(header.payloadType == 0)
        #expect(!header.marker)
        #expect(header.sequenceNumber == 15743)
        #expect(header.timestamp == 3_937_035_252)
        #expect(header.ssrc == 0xf01b_40e9)
        #expect(header.contributingSources == 0)
        #expect(header.extensionProfile == nil)
        #expect(header.payload == 12..<172)
    }

    @Test("contributing sources are stepped over", .enabled(if: Corpus.isPresent))
    func contributingSources() throws {
        let header = try parseHeader(Corpus.bytes("rtp_with_csrc"))
        #expect(header.contributingSources == 2)
        #expect(header.sequenceNumber == 16082)
        #expect(header.payload == 20..<180)
    }

    @Test("a header extension is found and stepped over", .enabled(if: Corpus.isPresent))
    func headerExtension() throws {
        let header = try parseHeader(Corpus.bytes("rtp_with_sdes_mid"))
        #expect(header.marker)
        #expect(header.payloadType == 111)
        #expect(header.extensionProfile == 0xbede)
        #expect(header.extensionData == 16..<20)
        #expect(header.payload == 20..<74)
    }

    @Test(
        "a packet of nothing but padding has an empty payload", .enabled(if: Corpus.isPresent),
        arguments: ["rtp_only_padding", "rtp_only_padding_with_header_extensions"])
    func onlyPadding(name: String) throws {
        let header = try parseHeader(Corpus.bytes(name))
        #expect(header.payloadType == (name == "rtp_only_padding" ? 120 : 98))
        #expect(header.payload.isEmpty)
        #expect(header.payload.lowerBound == (name == "rtp_only_padding" ? 12 : 20))
    }

    @Test("each malformed field is named")
    func malformed() {
        let good: [UInt8] = [0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        #expect(throws: RTPError.tooShort(count: 11)) { try parseHeader(Array(good.dropLast())) }
        #expect(throws: RTPError.unknownVersion(1)) { try parseHeader([0x40] + good.dropFirst()) }
        #expect(throws: RTPError.sourcesTruncated(count: 15)) { try parseHeader([0x8f] + good.dropFirst()) }
        #expect(throws: RTPError.extensionTruncated(words: 0)) { try parseHeader([0x90] + good.dropFirst()) }
        #expect(throws: RTPError.extensionTruncated(words: 65535)) {
            try parseHeader([0x90] + good.dropFirst() + [0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0])
        }
        #expect(throws: RTPError.paddingInvalid(count: 3)) { try parseHeader([0xa0] + good.dropFirst()) }
        #expect(throws: RTPError.paddingInvalid(count: 0)) { try parseHeader([0xa0] + good.dropFirst() + [0]) }
        #expect(throws: RTPError.paddingInvalid(count: 9)) { try parseHeader([0xa0] + good.dropFirst() + [1, 9]) }
    }

    @Test("rewriting in place keeps extension, sources and payload", .enabled(if: Corpus.isPresent))
    func rewriteInPlace() throws {
        var bytes = try Corpus.bytes("rtp_with_sdes_mid")
        let original = bytes
        var changed = try parseHeader(bytes)
        changed.payloadType = 8
        changed.marker = false
        changed.sequenceNumber = 0xffff
        changed.timestamp = 0xfedc_ba98
        changed.ssrc = 0x0102_0304
        try bytes.withUnsafeMutableBytes { try changed.rewrite(in: $0) }
        #expect(try parseHeader(bytes) == changed)
        #expect(bytes[0] == original[0])
        #expect(bytes[12...] == original[12...])
    }

    @Test("a fresh header before the payload drops extension and padding", .enabled(if: Corpus.isPresent))
    func freshHeaderBeforePayload() throws {
        var bytes = try Corpus.bytes("rtp_with_sdes_mid") + [0, 0, 0, 4]
        bytes[0] |= 0x20
        let payload = Array(bytes[20..<74])
        let parsed = try parseHeader(bytes)
        let range = try bytes.withUnsafeMutableBytes { try parsed.writeBeforePayload(in: $0) }
        #expect(range == 8..<74)
        let packet = Array(bytes[range])
        #expect(packet[0] == 0x80)
        let again = try parseHeader(packet)
        #expect(again.sequenceNumber == parsed.sequenceNumber)
        #expect(again.extensionProfile == nil)
        #expect(Array(packet[again.payload]) == payload)
    }

    @Test("a buffer that is too small is refused, not overrun")
    func noRoom() throws {
        var small = [UInt8](repeating: 0, count: 11)
        let fresh = header(1, 2)
        #expect(throws: WireError.noRoom(needed: 12, left: 11)) {
            try small.withUnsafeMutableBytes { _ = try fresh.write(into: $0) }
        }
        let parsed = try parseHeader([0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 4, 5])
        #expect(throws: WireError.noRoom(needed: 14, left: 11)) {
            try small.withUnsafeMutableBytes { _ = try parsed.writeBeforePayload(in: $0) }
        }
    }

    @Test("mutated packets never trap and never point outside themselves")
    func mutated() throws {
        let seeds =
            Corpus.isPresent
            ? try Corpus.all()
            : [[0x9f] + [UInt8](repeating: 7, count: 99)]
        var generator = SeededGenerator(seed: 3550)
        var accepted = 0
        for _ in 0..<60_000 {
            var bytes = mutate(seeds, using: &generator)
            guard let parsed = try? parseHeader(bytes) else { continue }
            accepted += 1
            #expect(parsed.payload.upperBound <= bytes.count)
            #expect(parsed.extensionData.upperBound <= parsed.payload.lowerBound)
            let range = try bytes.withUnsafeMutableBytes { try parsed.writeBeforePayload(in: $0) }
            #expect(range.count == parsed.payload.count + 12)
        }
        #expect(accepted > 1000)
    }
}
