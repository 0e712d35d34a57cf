import SDP
import Testing
import Wire

@Suite("RFC 3264 offering to a provider")
struct TrunkOfferTests {
    private let local = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)

    @Test("the offer, line by line")
    func offer() throws {
        let offer = TrunkOffer.make(local: local, sessionID: 5, version: 2, codecs: [.pcma, .opus, .pcmu, .pcma])
        let expected = [
            "v=0", "o=- 5 2 IN IP4 198.51.100.1", "s=sipcall", "c=IN IP4 198.51.100.1", "t=0 0",
            "m=audio 20000 RTP/AVP 8 96 0 101 102", "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 useinbandfec=1", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
            "a=rtpmap:102 telephone-event/48000", "a=fmtp:102 0-15", "a=ptime:20", "a=sendrecv",
        ]
        #expect(offer.text == expected.map { $0 + "\r\n" }.joined())
    }

    @Test("an IPv6 offer says IP6")
    func ipv6() throws {
        let local = try #require(NetworkAddress(hostAndPort: "[2001:db8::1]:20000"))
        let offer = TrunkOffer.make(local: local, sessionID: 5, version: 2, codecs: [.pcmu])
        #expect(offer.text.contains("c=IN IP6 2001:db8::1\r\n"))
        #expect(try SessionDescription(offer.bytes) == offer)
    }

    private func agreed(_ media: String, codecs: [AudioCodec] = [.pcmu, .pcma]) throws -> TrunkAudio {
        let offer = TrunkOffer.make(local: local, sessionID: 1, version: 1, codecs: codecs)
        return try TrunkOffer.agreed(offer: offer, answer: try trunkSDP(media))
    }

    @Test("a plain answer")
    func plain() throws {
        let audio = try agreed(
            "m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\na=ptime:30")
        #expect(
            audio
                == TrunkAudio(
                    codec: .pcma, payloadType: 8, telephoneEvent: 101,
                    remote: NetworkAddress(host: .ipv4(0xc000_0209), port: 4_000), packetMilliseconds: 30))
        #expect(audio.remoteRTCP.port == 4_001)
    }

    @Test("an answer may name its own payload types; each is sent as the receiver named it")
    func renumbered() throws {
        let audio = try agreed(
            "m=audio 4000 RTP/AVP 120 0 96\na=rtpmap:120 opus/48000/2\na=rtpmap:96 telephone-event/48000",
            codecs: [.pcmu, .opus])
        #expect(audio.codec == .opus)
        #expect(audio.payloadType == 120)
        #expect(audio.telephoneEvent == 96)
        #expect(audio.telephoneEventClockRate == 48_000)
        #expect(audio.receivable.map(\.payloadType) == [0, 96])
        #expect(audio.receivableTelephoneEvent == 102)
    }

    @Test("what was not offered does not count: codecs and events")
    func unasked() throws {
        let audio = try agreed("m=audio 4000 RTP/AVP 9 96 8\na=rtpmap:96 opus/48000/2")
        #expect(audio.codec == .pcma)
        #expect(audio.telephoneEvent == nil)
        #expect(audio.receivableTelephoneEvent == nil)
    }

    @Test(
        "directions and hold, seen by the box",
        arguments: [
            ("a=sendrecv", MediaDirection.sendrecv), ("a=sendonly", .recvonly), ("a=recvonly", .sendonly),
            ("a=inactive", .inactive), ("c=IN IP4 0.0.0.0", .recvonly), ("c=IN IP4 0.0.0.0\na=recvonly", .inactive),
        ])
    func direction(line: String, expected: MediaDirection) throws {
        #expect(try agreed("m=audio 4000 RTP/AVP 0\n\(line)").direction == expected)
    }

    @Test(
        "where RTCP goes, RFC 3605",
        arguments: [
            ("", "192.0.2.9:4001"), ("a=rtcp:5000", "192.0.2.9:5000"),
            ("a=rtcp:5000 IN IP4 192.0.2.77", "192.0.2.77:5000"),
            ("a=rtcp:x", "192.0.2.9:4001"), ("a=rtcp:9 IN IP4 0.0.0.0", "192.0.2.9:9"),
            ("a=rtcp:99999", "192.0.2.9:4001"),
        ])
    func rtcp(line: String, expected: String) throws {
        #expect(try agreed("m=audio 4000 RTP/AVP 0\n\(line)").remoteRTCP.description == expected)
    }

    @Test("RTP on the last port has no RTCP and traps nothing")
    func lastPort() throws {
        #expect(try agreed("m=audio 65535 RTP/AVP 0").remoteRTCP.port == 0)
    }

    @Test(
        "packet times become what the codec can make",
        arguments: [
            ("a=ptime:20", 20, 20), ("a=ptime:30", 30, 20), ("a=ptime:10", 10, 10), ("a=ptime:0", 10, 10),
            ("a=ptime:-5", 10, 10), ("a=ptime:1000", 60, 60), ("a=ptime:40\na=maxptime:30", 30, 20),
            ("a=maxptime:5", 10, 10),
            ("a=ptime:20.0", 20, 20), ("a=ptime:x", 20, 20), ("a=ptime:99999999999999999999", 20, 20),
            ("a=ptime:50", 50, 40),
        ])
    func packetTime(line: String, g711: Int, opus: Int) throws {
        #expect(try agreed("m=audio 4000 RTP/AVP 0\n\(line)").packetMilliseconds == g711)
        let withOpus = try agreed("m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n\(line)", codecs: [.opus])
        #expect(withOpus.packetMilliseconds == opus)
    }

    @Test(
        "answers that do not do are refused with their reason",
        arguments: [
            ("", SDPError.mismatch), ("m=video 4000 RTP/AVP 0", .mismatch), ("m=audio 0 RTP/AVP 0", .noAudio),
            ("m=audio 4000 RTP/SAVP 0", .transport), ("m=audio 4000 RTP/AVP 18", .noSharedCodec),
            ("m=audio 4000 RTP/AVP 0\nc=IN IP4 media.example.net", .noAddress),
            ("m=audio 4000 RTP/AVP 0\nc=IN IP4 239.1.2.3/127", .noAddress),
        ])
    func refused(media: String, error: SDPError) {
        #expect(throws: error) { try agreed(media) }
    }
}

@Suite("RFC 3264 §6 answering a provider")
struct TrunkAnswerTests {
    private let local = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)

    private func make(
        _ media: String, codecs: [AudioCodec] = [.pcmu, .pcma]
    ) throws -> (answer: SessionDescription, audio: TrunkAudio) {
        try TrunkAnswer.make(to: try trunkSDP(media), local: local, sessionID: 9, codecs: codecs)
    }

    @Test("the answer, line by line: the offer's first codec that the box has, under the offer's numbers")
    func answer() throws {
        let (answer, audio) = try make(
            "m=audio 4000 RTP/AVP 18 8 0 97\na=rtpmap:97 telephone-event/8000\na=fmtp:97 0-16\na=ptime:30\na=sendrecv")
        let expected = [
            "v=0", "o=- 9 1 IN IP4 198.51.100.1", "s=sipcall", "c=IN IP4 198.51.100.1", "t=0 0",
            "m=audio 20000 RTP/AVP 8 97", "a=rtpmap:8 PCMA/8000", "a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-15",
            "a=ptime:30", "a=sendrecv",
        ]
        #expect(answer.text == expected.map { $0 + "\r\n" }.joined())
        #expect(audio.codec == .pcma)
        #expect(audio.telephoneEvent == 97)
        #expect(audio.packetMilliseconds == 30)
        #expect(audio.remote.description == "192.0.2.9:4000")
        #expect(audio.receivable == [AudioFormat(codec: .pcma, payloadType: 8)])
    }

    @Test("fax and video are refused with port 0, at their places")
    func others() throws {
        let (answer, _) = try make("m=image 4002 udptl t38\nm=audio 4000 RTP/AVP 0\nm=video 4004 RTP/AVP 96 97")
        #expect(answer.media.map(\.kind) == ["image", "audio", "video"])
        #expect(answer.media.map(\.port) == [0, 20_000, 0])
        #expect(answer.media[0].transport == "udptl")
        #expect(answer.media[2].formats == ["96", "97"])
    }

    @Test("of encrypted and plain voice the plain one is taken")
    func encryptedFirst() throws {
        let (answer, audio) = try make("m=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVP 8")
        #expect(answer.media.map(\.port) == [0, 20_000])
        #expect(audio.remote.port == 4_002)
    }

    @Test(
        "direction is mirrored, hold is understood",
        arguments: [
            ("a=sendrecv", MediaDirection.sendrecv), ("a=sendonly", .recvonly), ("a=recvonly", .sendonly),
            ("a=inactive", .inactive), ("c=IN IP4 0.0.0.0", .recvonly),
        ])
    func direction(line: String, expected: MediaDirection) throws {
        let (answer, audio) = try make("m=audio 4000 RTP/AVP 0\n\(line)")
        #expect(audio.direction == expected)
        #expect(answer.media[0].direction == expected)
    }

    @Test("a direction said for the whole session counts")
    func sessionDirection() throws {
        let offer = try trunkSDP("m=audio 4000 RTP/AVP 0", session: "c=IN IP4 192.0.2.9\na=inactive\n")
        #expect(
            try TrunkAnswer.make(to: offer, local: local, sessionID: 1, codecs: [.pcmu]).audio.direction == .inactive)
    }

    @Test(
        "offers that do not do are refused with their reason",
        arguments: [
            ("", SDPError.noAudio), ("m=image 4002 udptl t38", .noAudio), ("m=audio 0 RTP/AVP 0", .noAudio),
            ("m=audio 4000 RTP/SAVP 0", .transport), ("m=audio 4000 UDP/TLS/RTP/SAVPF 0", .transport),
            ("m=audio 4000 RTP/AVP 18 101", .noSharedCodec),
            ("m=audio 4000 RTP/AVP 0\nc=IN IP4 nowhere.example", .noAddress),
        ])
    func refused(media: String, error: SDPError) {
        #expect(throws: error) { try make(media) }
    }
}
