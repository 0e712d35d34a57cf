import SDP
import Testing
import Wire

@Suite("RFC 8866 session descriptions")
struct SessionDescriptionTests {
    @Test(
        "real descriptions are read, and what is written of them reads the same",
        arguments: Corpus.browserOffers + Corpus.aiortc)
    func corpus(path: String) throws {
        guard let bytes = Corpus.read(path) else { return }
        let description = try SessionDescription(bytes)
        #expect(!description.media.isEmpty)
        #expect(try SessionDescription(description.bytes) == description)
        // Every attribute line of the file is in the text again.
        let written = Set(description.text.split(separator: "\r\n"))
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) where line.hasPrefix("a=")
        {
            #expect(written.contains(line))
        }
    }

    @Test("each line lands where it belongs")
    func parts() throws {
        let description = try SessionDescription(
            """
            v=0\r
            o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r
            s=Call to John Smith\r
            i=SDP Offer #1\r
            u=http://www.jdoe.example.com/home.html\r
            e=Jane Doe <jane@jdoe.example.com>\r
            c=IN IP4 198.51.100.1\r
            b=CT:128\r
            t=0 0\r
            a=recvonly\r
            m=audio 49170/2 RTP/AVP 0 8\r
            c=IN IP6 2001:db8::2\r
            b=AS:64\r
            a=rtpmap:0 PCMU/8000\r
            a=sendonly \r
            m=image 0 udptl t38\r

            """)
        #expect(description.origin.username == "jdoe")
        #expect(description.origin.version == "3724394405")
        #expect(description.name == "Call to John Smith")
        #expect(description.connection?.host?.description == "198.51.100.1")
        #expect(description.bandwidth == ["CT:128"])
        #expect(description.direction == .recvonly)
        #expect(description.media.count == 2)
        #expect(description.media[0].port == 49_170)
        #expect(description.media[0].connection?.host?.description == "2001:db8::2")
        #expect(description.media[0].bandwidth == ["AS:64"])
        #expect(description.media[0].direction == .sendonly)
        #expect(description.media[0].value(of: "rtpmap") == "0 PCMU/8000")
        #expect(description.media[1].kind == "image")
        #expect(description.media[1].formats == ["t38"])
        #expect(description.media[1].connection == nil)
    }

    @Test(
        "malformed lines are refused by their number",
        arguments: [
            ("", SDPError.incomplete),
            ("v=0\ns=-", .incomplete),
            ("v=1", .line(1, .version)),
            ("o=- 1 1 IN IP4 0.0.0.0", .line(1, .version)),
            ("v=0\no=- 1 1 IN IP4", .line(2, .origin)),
            ("v=0\no=- 1 1 XX IP4 1.2.3.4", .line(2, .origin)),
            ("v=0\n\nnonsense", .line(3, .notALine)),
            ("v=0\na", .line(2, .notALine)),
            ("v=0\ns=a\u{0}b", .line(2, .forbiddenByte)),
            ("v=0\ns=a\rb", .line(2, .forbiddenByte)),
            ("v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN IP5 1.2.3.4", .line(3, .connection)),
            ("v=0\no=- 1 1 IN IP4 1.2.3.4\nm=audio 5004 RTP/AVP", .line(3, .media)),
            ("v=0\no=- 1 1 IN IP4 1.2.3.4\nm=audio 65536 RTP/AVP 0", .line(3, .media)),
            ("v=0\no=- 1 1 IN IP4 1.2.3.4\nm=audio -1 RTP/AVP 0", .line(3, .media)),
        ])
    func malformed(text: String, error: SDPError) {
        #expect(throws: error) { try SessionDescription(text) }
        #expect(!error.problem.sentence.isEmpty)
    }

    @Test("limits hold")
    func limits() {
        let head = "v=0\no=- 1 1 IN IP4 1.2.3.4\n"
        #expect(throws: SDPError.tooLong) { try SessionDescription([UInt8](repeating: 10, count: 65_537)) }
        #expect(throws: SDPError.tooManyLines) { try SessionDescription([UInt8](repeating: 10, count: 65_536)) }
        #expect(throws: SDPError.line(3, .tooLong)) {
            try SessionDescription(head + "a=" + String(repeating: "x", count: 4_095))
        }
        #expect(throws: SDPError.tooManyMedia) {
            try SessionDescription(head + String(repeating: "m=audio 1 RTP/AVP 0\n", count: 33))
        }
        #expect(throws: Never.self) {
            try SessionDescription(head + String(repeating: "m=audio 1 RTP/AVP 0\n", count: 32))
        }
    }

    @Test("payload types without a=rtpmap have their static meaning, RFC 3551 §6")
    func staticPayloadTypes() throws {
        let voice = try trunkSDP("m=audio 4000 RTP/AVP 8 0 9 18 99 255 x 0\na=rtpmap:9 opus/48000/2").media[0]
        #expect(voice.maps.map(\.payloadType) == [8, 0, 9, 18])
        #expect(voice.audioFormats.map(\.codec) == [.pcma, .pcmu, .opus])
    }

    @Test(
        "a=rtpmap is read without case and malformed ones do not count",
        arguments: [
            ("0 pcmu/8000", [AudioCodec.pcmu]), ("0 PCMU/8000/1", [.pcmu]), ("0 PCMU/8000/2", []), ("0 PCMU/16000", []),
            ("0 OPUS/48000/2", [.opus]), ("0 opus/48000", [.opus]), ("128 opus/48000/2", [.pcmu]), ("0 PCMU", [.pcmu]),
            ("0 PCMU/x", [.pcmu]), ("0 G722/8000", []),
        ])
    func rtpmap(value: String, codecs: [AudioCodec]) throws {
        let voice = try trunkSDP("m=audio 4000 RTP/AVP 0\na=rtpmap:\(value)").media[0]
        #expect(voice.audioFormats.map(\.codec) == codecs)
    }

    @Test(
        "telephone-event counts if its list has the digits, RFC 4733 §2.4.1",
        arguments: [
            ("", true), ("a=fmtp:101 0-15", true), ("a=fmtp:101 0-16", true), ("a=fmtp:101 0-11,16", true),
            ("a=fmtp:101 0-5, 6-15", true), ("a=fmtp:101 0,1,2,3,4,5,6,7,8,9,10,11", true), ("a=fmtp:101 32-35", false),
            ("a=fmtp:101 0-9", false), ("a=fmtp:101 events=0-15", true), ("a=fmtp:100 32-35", true),
            ("a=fmtp:101 15-0", false), ("a=fmtp:101 -", true),
        ])
    func telephoneEvent(line: String, counts: Bool) throws {
        let voice = try trunkSDP("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n\(line)").media[0]
        #expect(voice.telephoneEvents == (counts ? [8_000: 101] : [:]))
    }
}
