import SIPMessage
import Testing
import Wire

@testable import SIPTrace

@Suite("What of a SIP message may be shown")
struct TracedMessageTests {
    private static let description = """
        v=0\r
        o=+4930777888 1 1 IN IP4 10.9.0.1\r
        s=Call of 030 777 888\r
        c=IN IP4 10.9.0.1\r
        t=0 0\r
        m=audio 20000 RTP/SAVP 0 8 101\r
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0LWtleQ==\r
        a=rtpmap:101 telephone-event/8000\r
        a=ice-pwd:very-secret\r
        a=sendonly\r

        """

    private func told(_ request: SIPRequest, _ showing: TraceShowing = TraceShowing()) throws -> TracedMessage {
        var ring = TraceRing()
        ring.record(
            .message(.request(request)), .received, Scene.provider, isProvider: true, at: Scene.time(0))
        return try #require(
            ring.messages(of: .others, after: 0, showing: showing, mostBytes: .max).messages.first)
    }

    private func text(_ message: TracedMessage) -> String {
        ([message.line, message.cseq ?? "", message.session ?? ""] + message.notes + (message.description ?? []))
            .joined(separator: "\n")
    }

    private var hostile: SIPRequest {
        Scene.request(
            .invite, callID: "one", body: Self.description,
            more: [
                (.authorization, #"Digest username="u", realm="r", nonce="n1", uri="sip:x", response="feedbeef""#),
                (.proxyAuthorization, #"Digest username="u", realm="r", nonce="n2", uri="sip:x", response="feedbeef""#),
                (.reason, #"SIP;cause=200;text="Forwarded to +49 (30) 777-888 999""#),
                (.referTo, "<sip:+4930777888@10.9.0.2?Replaces=abc>"),
                (.expires, "300"),
            ])
    }

    @Test("Numbers, credentials and keys stay out, wherever they stand")
    func hidden() throws {
        for descriptions in [false, true] {
            let shown = try text(told(hostile, TraceShowing(descriptions: descriptions)))
            for secret in ["4930", "777", "200200", "feedbeef", "n1", "n2", "c2VjcmV0", "very-secret"] {
                #expect(!shown.contains(secret), "\(secret) in \(shown)")
            }
            #expect(shown.contains("with credentials") && shown.contains("expires 300"))
        }
    }

    @Test("With numbers they are there, and credentials and keys still are not")
    func numbers() throws {
        let shown = try text(told(hostile, TraceShowing(numbers: true, descriptions: true)))
        for number in ["+4930200200", "+49305550100", "777-888 999", "o=+4930777888"] {
            #expect(shown.contains(number), "\(number) not in \(shown)")
        }
        for secret in ["feedbeef", "n1", "c2VjcmV0", "very-secret"] { #expect(!shown.contains(secret)) }
    }

    @Test("A session description in one line")
    func session() throws {
        #expect(
            try told(hostile).session == "audio pcmu pcma telephone-event, sendonly, 10.9.0.1:20000")
        let held = Self.description.replacing("c=IN IP4 10.9.0.1", with: "c=IN IP4 0.0.0.0")
        #expect(try told(Scene.request(.invite, callID: "x", body: held)).session?.hasSuffix("(held)") == true)
        let off = Self.description.replacing("audio 20000", with: "image 0")
        #expect(try told(Scene.request(.invite, callID: "x", body: off)).session == "image off")
        #expect(
            try told(Scene.request(.invite, callID: "x", body: "nonsense")).session
                == "a session description that cannot be read, 8 bytes")
    }

    @Test("Digits in a body are not shown, whatever is asked for")
    func digits() throws {
        var info = Scene.request(.info, callID: "one")
        info.setBody(Array("Signal=7\r\nDuration=160\r\n".utf8), type: MediaType("application", "dtmf-relay"))
        let message = try told(info, TraceShowing(numbers: true, descriptions: true))
        #expect(message.session == "application/dtmf-relay, 24 bytes")
        #expect(message.description == nil && !text(message).contains("Signal"))
    }

    @Test("Control characters of strangers do not reach a terminal, nor texts without end")
    func harmless() throws {
        var ring = TraceRing()
        let request = Scene.request(.invite, callID: "one")
        var response = SIPResponse(to: request, status: 403, reason: "\u{1b}[2J\u{7}\u{202e}no\u{301}")
        response.headers.append(.warning, String(repeating: "w", count: 100_000))
        ring.record(.message(.response(response)), .received, Scene.provider, isProvider: true, at: Scene.time(0))
        let message = try #require(
            ring.messages(of: .others, after: 0, showing: TraceShowing(numbers: true), mostBytes: .max).messages.first)
        #expect(message.line == "403 ·[2J··no·")
        #expect(text(message).count < 400)
    }

    @Test("A challenge says who asks, and nothing that an answer is made of")
    func challenge() throws {
        var response = SIPResponse(to: Scene.request(.register, callID: "r"), status: 401)
        response.headers.append(.wwwAuthenticate, #"Digest realm="carrier.rig", nonce="abcdef", opaque="secret""#)
        var ring = TraceRing()
        ring.record(.message(.response(response)), .received, Scene.provider, isProvider: true, at: Scene.time(0))
        let message = try #require(
            ring.messages(of: .others, after: 0, showing: TraceShowing(), mostBytes: .max).messages.first)
        #expect(message.notes == ["asks for credentials for carrier.rig"])
    }
}
