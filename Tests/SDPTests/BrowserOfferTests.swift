import SDP
import Testing
import Wire

@Suite("RFC 8829 §5 answering a browser")
struct BrowserOfferTests {
    private func local() -> ICECredentials {
        var generator = SeededGenerator(seed: 7)
        return ICECredentials(using: &generator)
    }

    private func fingerprint() throws -> Fingerprint {
        try #require(Fingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 0x5c, count: 32)))
    }

    private func offer(_ path: String, change: (String) -> String = { $0 }) throws -> BrowserOffer? {
        guard let bytes = Corpus.read(path) else { return nil }
        return try BrowserOffer(try SessionDescription(change(String(decoding: bytes, as: UTF8.self))))
    }

    @Test("Chromium's offer says all that media needs")
    func chromium() throws {
        guard let offer = try offer("rigs/browser/offer-opus.sdp") else { return }
        #expect(offer.mid == "0")
        #expect(offer.remote.usernameFragment == "nti7")
        #expect(offer.remote.password.revealed == "X6GK8w2xnOjmS221b9/SRxcA")
        #expect(offer.fingerprint.bytes.prefix(3) == [0x9a, 0xa1, 0x11])
        #expect(offer.codecs.map(\.payloadType) == [111, 0, 8])
        #expect(offer.codecs[0].parameters == "minptime=10;useinbandfec=1")
        #expect(offer.telephoneEvents == [48_000: 110, 8_000: 126])
        let audio = try offer.audio(allowed: AudioCodec.allCases)
        #expect(audio.payloadType(of: .opus) == 111)
        #expect(audio.codec(of: 8) == .pcma)
        #expect(audio.codec(of: 63) == nil)
        #expect(audio.telephoneEventClockRate(of: 126) == 8_000)
        #expect(audio.direction == .sendrecv)
    }

    @Test("Firefox's offer too")
    func firefox() throws {
        guard let offer = try offer("rigs/browser/offer-firefox-opus.sdp") else { return }
        #expect(offer.remote.usernameFragment == "1d06a1d0")
        #expect(offer.codecs.map(\.payloadType) == [109, 0, 8])
        #expect(offer.telephoneEvents == [8_000: 101])
        #expect(offer.fingerprint.bytes.prefix(2) == [0xce, 0x01])
    }

    @Test("the answer to Chromium, line by line")
    func answer() throws {
        guard let offer = try offer("rigs/browser/offer-opus.sdp") else { return }
        let local = local()
        let answer = try offer.answer(
            local: local, fingerprint: try fingerprint(),
            candidates: [
                NetworkAddress(host: .ipv4(0x0a09_0001), port: 3_478),
                try #require(NetworkAddress(hostAndPort: "[2001:db8::1]:3478")),
            ], sessionID: 42, cname: "cn", ssrc: 99, allowed: AudioCodec.allCases)
        let expected = """
            v=0
            o=- 42 1 IN IP4 127.0.0.1
            s=-
            t=0 0
            a=group:BUNDLE 0
            a=ice-lite
            m=audio 3478 UDP/TLS/RTP/SAVPF 111 0 8 110 126
            c=IN IP4 10.9.0.1
            a=mid:0
            a=sendrecv
            a=rtcp-mux
            a=ice-ufrag:\(local.usernameFragment)
            a=ice-pwd:\(local.password.revealed)
            a=fingerprint:sha-256 \((0..<32).map { _ in "5C" }.joined(separator: ":"))
            a=setup:passive
            a=candidate:1 1 udp 2130706431 10.9.0.1 3478 typ host
            a=candidate:2 1 udp 2130706175 2001:db8::1 3478 typ host
            a=end-of-candidates
            a=rtpmap:111 opus/48000/2
            a=fmtp:111 minptime=10;useinbandfec=1
            a=rtpmap:0 PCMU/8000
            a=rtpmap:8 PCMA/8000
            a=rtpmap:110 telephone-event/48000
            a=fmtp:110 0-15
            a=rtpmap:126 telephone-event/8000
            a=fmtp:126 0-15
            a=ptime:20
            a=msid:cn cn
            a=ssrc:99 cname:cn

            """
        #expect(
            answer.text == expected.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"))
        #expect(try SessionDescription(answer.bytes) == answer)
    }

    @Test("Opus leads wherever it stands, and only what is allowed is agreed to")
    func preference() throws {
        func reordered(_ text: String) -> String {
            text.split(separator: "\r\n").flatMap { $0.split(separator: "\n") }.map { line in
                line.hasPrefix("m=audio") ? "m=audio 9 UDP/TLS/RTP/SAVPF 8 0 126 111" : String(line)
            }.joined(separator: "\n")
        }
        guard let offer = try offer("rigs/browser/offer-opus.sdp", change: reordered) else { return }
        #expect(offer.codecs.map(\.codec) == [.pcma, .pcmu, .opus])
        #expect(try offer.audio(allowed: AudioCodec.allCases).formats.map(\.codec) == [.opus, .pcma, .pcmu])
        #expect(try offer.audio(allowed: [.pcmu]).formats.map(\.payloadType) == [0])
        #expect(throws: SDPError.noSharedCodec) { try offer.audio(allowed: []) }
    }

    @Test("a page that only listens is sent to; one that only sends is listened to")
    func direction() throws {
        for (said, expected) in [
            ("recvonly", MediaDirection.sendonly), ("sendonly", .recvonly), ("inactive", .inactive),
        ] {
            guard
                let offer = try offer(
                    "rigs/browser/offer-pcmu.sdp",
                    change: { text in
                        text.split(whereSeparator: \.isNewline).map { $0 == "a=sendrecv" ? "a=\(said)" : String($0) }
                            .joined(separator: "\n")
                    })
            else { return }
            #expect(try offer.audio(allowed: [.pcmu]).direction == expected)
            let answer = try offer.answer(
                local: local(), fingerprint: try fingerprint(), candidates: [], sessionID: .max, cname: "c", ssrc: 1,
                allowed: [.pcmu])
            #expect(answer.media[0].direction == expected)
            #expect(answer.media[0].has("ssrc") == expected.sends)
            #expect(answer.origin.sessionID == String(Int64.max))
        }
    }

    @Test("video and data of Safari's offer are refused, voice is taken")
    func safari() throws {
        guard let offer = try offer("corpora/sdp/aiortc/safari.sdp") else { return }
        let answer = try offer.answer(
            local: local(), fingerprint: try fingerprint(), candidates: [.init(host: .ipv4(1), port: 2)], sessionID: 1,
            cname: "c", ssrc: 1, allowed: AudioCodec.allCases)
        #expect(answer.media.map(\.kind) == ["audio", "video", "application"])
        #expect(answer.media.map(\.port) == [2, 0, 0])
        #expect(answer.media.map { $0.value(of: "mid") } == ["audio", "video", "data"])
        #expect(answer.value(of: "group") == "BUNDLE audio")
    }

    @Test(
        "what stands at session level counts too",
        arguments: [
            "audio_dtls_session_level", "audio_ice_session_level_credentials", "audio_ice_lite", "audio_chrome",
            "audio_firefox", "audio_freeswitch",
        ])
    func sessionLevel(name: String) throws {
        guard let offer = try offer("corpora/sdp/aiortc/\(name).sdp") else { return }
        #expect(offer.codecs.contains { $0.codec == .pcma })
    }

    @Test(
        "a bundled section leans on the one that speaks for the bundle, RFC 9143 §7.1.3")
    func bundleOnly() throws {
        guard let bytes = Corpus.read("corpora/sdp/aiortc/safari.sdp") else { return }
        var description = try SessionDescription(bytes)
        let transport: Set = ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux", "candidate"]
        description.media.swapAt(0, 1)
        description.media[1].attributes.removeAll { transport.contains($0.name) }
        description.media[1].attributes.append(.init("bundle-only"))
        description.media[1].port = 0
        #expect(throws: SDPError.notMultiplexed) { try BrowserOffer(description) }
        for index in description.attributes.indices where description.attributes[index].name == "group" {
            description.attributes[index].value = "BUNDLE video audio data"
        }
        let offer = try BrowserOffer(description)
        #expect(offer.remote.usernameFragment == "XSmV")
        #expect(offer.mid == "audio")
    }

    @Test(
        "what cannot work is refused with its reason",
        arguments: [
            ("a=ice-ufrag:s/0u", "a=ice-ufrag:s", SDPError.noICECredentials),
            ("a=ice-pwd:", "a=x-pwd:", .noICECredentials),
            ("a=fingerprint:sha-256", "a=fingerprint:sha-1", .noFingerprint),
            ("a=setup:actpass", "a=setup:passive", .setup),
            ("a=setup:actpass", "a=setup:holdconn", .setup),
            ("a=rtcp-mux", "a=rtcp-mix", .notMultiplexed),
            ("UDP/TLS/RTP/SAVPF", "RTP/AVP", .transport),
            ("m=audio 53497", "m=audio 0", .noAudio),
            ("m=audio", "m=video", .noAudio),
            ("SAVPF 0", "SAVPF 18", .noSharedCodec),
            ("a=rtpmap:0 PCMU/8000", "a=rtpmap:0 L16/8000", .noSharedCodec),
        ])
    func refused(from: String, to: String, error: SDPError) throws {
        guard let bytes = Corpus.read("rigs/browser/offer-pcmu.sdp") else { return }
        let text = replaced(String(decoding: bytes, as: UTF8.self), from, to)
        let description = try SessionDescription(text)
        #expect(throws: error) { try BrowserOffer(description) }
        #expect(!error.problem.sentence.isEmpty)
    }

    @Test("payload types that would look like RTCP on a shared port are left out, RFC 5761 §4")
    func rtcpLookalikes() throws {
        guard let bytes = Corpus.read("rigs/browser/offer-pcmu.sdp") else { return }
        let text = replaced(String(decoding: bytes, as: UTF8.self), "SAVPF 0", "SAVPF 72 0")
        let offer = try BrowserOffer(try SessionDescription(text + "a=rtpmap:72 opus/48000/2\r\n"))
        #expect(offer.codecs.map(\.payloadType) == [0])
    }

    /// Replaces the first occurrence; the pattern has to be there.
    private func replaced(_ text: String, _ from: String, _ to: String) -> String {
        guard let range = text.firstRange(of: from) else {
            Issue.record("nothing to replace")
            return text
        }
        return text.replacingCharacters(in: range, with: to)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
