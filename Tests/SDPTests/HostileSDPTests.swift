import SDP
import Testing
import Wire

@Suite("Session descriptions from strangers")
struct HostileSDPTests {
    private static let words = [
        "\r\n", "\n", "=", ":", " ", "/", "-", ",", "\u{0}", "\u{301}", "a=", "m=audio 1 RTP/AVP 0\n", "m=",
        "c=IN IP4 ",
        "0.0.0.0", "99999999999999999999", "-1", "65536", "255", "a=rtpmap:", "a=fmtp:0 ", "a=rtcp:", "a=ptime:",
        "a=mid:",
        "a=group:BUNDLE ", "a=bundle-only\n", "a=fingerprint:sha-256 ", "a=ice-pwd:", "telephone-event/8000", "v=0\n",
        "o=",
    ].map { Array($0.utf8) }

    private func mutated(_ original: [UInt8], _ other: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            guard !bytes.isEmpty else { return bytes }
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, at + Int.random(in: 1...40, using: &generator))
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 2: bytes.removeSubrange(at..<end)
            case 3: bytes.insert(contentsOf: Self.words.randomElement(using: &generator) ?? [], at: at)
            case 4: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &generator))
            case 5 where !other.isEmpty:
                let from = Int.random(in: 0..<other.count, using: &generator)
                bytes.insert(contentsOf: other[from..<min(other.count, from + 60)], at: at)
            default:
                if Int.random(in: 0..<10, using: &generator) == 0 { bytes.removeSubrange(at...) }
            }
        }
        return bytes
    }

    @Test("100,000 mutated descriptions never trap, and whatever is answered reads back the same")
    func mutations() throws {
        var generator = SeededGenerator(seed: 8_866)
        var seeds = (Corpus.browserOffers + Corpus.aiortc).compactMap { Corpus.read($0) }.filter { $0.count < 2_000 }
        let plain =
            "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=rtcp:4001\r\na=sendrecv\r\nm=image 0 udptl t38\r\n"
        seeds += Array(repeating: Array(plain.utf8), count: 12)
        let local = ICECredentials(using: &generator)
        let fingerprint = try #require(Fingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 1, count: 32)))
        let address = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)
        let ownOffer = TrunkOffer.make(local: address, sessionID: 1, version: 1, codecs: AudioCodec.allCases)
        var (read, browsers, trunks, agreements) = (0, 0, 0, 0)
        for _ in 0..<100_000 {
            let bytes = mutated(
                seeds.randomElement(using: &generator) ?? [], seeds.randomElement(using: &generator) ?? [],
                using: &generator)
            guard let description = try? SessionDescription(bytes) else { continue }
            read += 1
            if read % 8 == 0 { #expect(try SessionDescription(description.bytes) == description) }
            if let offer = try? BrowserOffer(description),
                let answer = try? offer.answer(
                    local: local, fingerprint: fingerprint, candidates: [address], sessionID: 1, cname: "c", ssrc: 1,
                    allowed: AudioCodec.allCases)
            {
                browsers += 1
                #expect(answer.media.map(\.kind) == description.media.map(\.kind))
                #expect(answer.media.filter { $0.port != 0 }.count == 1)
                #expect(try SessionDescription(answer.bytes) == answer)
            }
            if let made = try? TrunkAnswer.make(
                to: description, local: address, sessionID: 1, codecs: AudioCodec.allCases)
            {
                trunks += 1
                #expect(made.answer.media.count == description.media.count)
                #expect(made.answer.media.filter { $0.port != 0 }.count == 1)
                #expect(try SessionDescription(made.answer.bytes) == made.answer)
            }
            if (try? TrunkOffer.agreed(offer: ownOffer, answer: description)) != nil { agreements += 1 }
        }
        print(
            "SDP: 100000 mutated descriptions, \(read) read, \(browsers) browser answers, \(trunks) trunk answers, \(agreements) agreements"
        )
        #expect(read > 10_000)
        #expect(trunks > 1_000)
        #expect(agreements > 1_000)
    }

    @Test("20,000 descriptions of random bytes never trap")
    func noise() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let head = Array("v=0\no=- 1 1 IN IP4 1.2.3.4\n".utf8)
            let bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? SessionDescription(head + bytes)
            #expect(throws: SDPError.self) { try SessionDescription(bytes) }
        }
    }
}
