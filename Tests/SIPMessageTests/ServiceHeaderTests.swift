import SIPMessage
import Testing

@Suite("Header fields of the extensions")
struct ServiceHeaderTests {
    private func headers(_ name: SIPHeaderName, _ value: String) -> SIPHeaders {
        var headers = SIPHeaders()
        headers.append(name, value)
        return headers
    }

    @Test("RFC 4028 session timers")
    func timers() {
        #expect(
            headers(.sessionExpires, "1800;refresher=UAS").sessionExpires
                == SessionExpires(interval: 1800, refresher: .uas))
        #expect(headers(.sessionExpires, "90 ; x=y").sessionExpires == SessionExpires(interval: 90))
        #expect(headers(.sessionExpires, "ninety").sessionExpires == nil)
        #expect(headers(.minSE, "120;lr").minSE == 120)
        #expect(SessionExpires(interval: 90, refresher: .uac).text == "90;refresher=uac")
    }

    @Test("Retry-After with comment and duration")
    func retryAfter() throws {
        let value = try RetryAfter("120 (I'm \\(in\\) a (long) meeting);duration=3600")
        #expect(value == RetryAfter(delay: 120, comment: "I'm (in) a (long) meeting", duration: 3600))
        #expect(try RetryAfter(value.text) == value)
        #expect(try RetryAfter("99999999999999").delay == Int(UInt32.max))
        for bad in ["", "x", "1 (", "1 (\\", "1 () x"] { #expect(throws: SIPParseError.self) { try RetryAfter(bad) } }
    }

    @Test("RFC 3891 Replaces and RFC 3515 Refer-To")
    func transfer() throws {
        let text = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only"
        let replaces = try Replaces(text)
        #expect(
            replaces
                == Replaces(callID: "98732@sip.example.com", toTag: "ff87ff", fromTag: "r33th4x0r", earlyOnly: true))
        #expect(try Replaces(replaces.text) == replaces)
        for bad in [
            "a", "a;to-tag=x", "a;to-tag=x;to-tag=y;from-tag=z", ";to-tag=x;from-tag=y", "a;to-tag=;from-tag=y",
        ] {
            #expect(throws: SIPParseError.self) { try Replaces(bad) }
        }
        var two = headers(.replaces, text)
        two.append(.replaces, text)
        #expect(two.replaces == nil)
        let refer = headers(
            .referTo,
            "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>")
        #expect(
            refer.referTo?.replaces == Replaces(callID: "12345@192.168.118.3", toTag: "12345", fromTag: "5FFE-3994"))
        #expect(headers(.referTo, "<tel:+4930123>").referTo?.replaces == nil)
        #expect(headers(.referredBy, "<sip:a@b>;cid=x").referredBy?.parameters["cid"] == "x")
    }

    @Test("RFC 3262 RAck and RSeq")
    func reliable() {
        #expect(headers(.rAck, "776656  1 INVITE").rAck == RAck(rseq: 776_656, cseq: CSeq(1, .invite)))
        #expect(headers(.rSeq, "2147483647").rSeq == 2_147_483_647)
        for bad in ["0", "2147483648", "-1", ""] { #expect(headers(.rSeq, bad).rSeq == nil) }
        for bad in ["0 1 INVITE", "1 INVITE", "1 1", "x 1 INVITE", ""] { #expect(headers(.rAck, bad).rAck == nil) }
    }

    @Test("RFC 6665 events and RFC 3420 fragments")
    func events() throws {
        #expect(headers(.event, "Refer;id=93809824").event == EventPackage("refer", id: "93809824"))
        let state = headers(.subscriptionState, "terminated;reason=noresource").subscriptionState
        #expect(state == SubscriptionState("terminated", reason: "noresource"))
        #expect(state?.isTerminated == true)
        let fragment = try SIPFragment([UInt8]("SIP/2.0 603 Declined\r\nX: y".utf8))
        #expect(fragment == SIPFragment(status: 603, reason: "Declined"))
        #expect(try SIPFragment(fragment.body) == fragment)
        #expect(throws: SIPParseError.self) { try SIPFragment([UInt8]("BYE sip:a@b SIP/2.0".utf8)) }
        #expect(throws: SIPParseError.self) { try SIPFragment([]) }
    }

    @Test("identity and privacy")
    func identity() {
        var asserted = headers(.pAssertedIdentity, "\"Ada\" <sip:+4930123@example.net>, <tel:+4930123>")
        #expect(asserted.assertedIdentities.map(\.uri.user) == ["+4930123", "+4930123"])
        asserted.assertedIdentities = []
        #expect(!asserted.contains(.pAssertedIdentity))
        let party = headers(.remotePartyID, "<sip:1@b>;party=calling;screen=yes;privacy=off").remotePartyIDs.first
        #expect(party?.parameters["screen"] == "yes")
        #expect(headers(.privacy, "ID; user,critical").privacy == ["id", "user", "critical"])
        #expect((try? headers(.path, "<sip:p;lr>, <sip:q;lr>").paths().count) == 2)
        #expect(headers(.unsupported, "Foo, bar").unsupported == ["foo", "bar"])
    }
}

@Suite("RFC 2046 bodies of several parts")
struct MultipartTests {
    private func body(_ text: String) -> [UInt8] { [UInt8](text.utf8) }
    private let mixed: MediaType

    init() throws {
        mixed = try MediaType("multipart/mixed; boundary=\"b 1\"")
    }

    @Test("parts are read with their fields; preamble, epilogue and padding are not")
    func parts() throws {
        let text =
            "preamble\r\n--b 1  \r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b 1\r\n\r\nplain\r\n--b 11\r\n--b 1--\r\nepilogue"
        let multipart = try #require(MultipartBody(body(text), type: mixed))
        #expect(multipart.parts.map(\.body) == [body("v=0\r\n"), body("plain\r\n--b 11")])
        #expect(multipart.part(.sdp)?.body == body("v=0\r\n"))
    }

    @Test("a session description is found alone, in a part, and in a part of a part")
    func sessionDescription() throws {
        let inner = "--i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--i--\r\n"
        let outer =
            "--b 1\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n\(inner)\r\n--b 1\r\nContent-Type: text/plain\r\n\r\nx"
        #expect(MultipartBody(body(outer), type: mixed)?.part(.sdp)?.body == body("v=0\r\n"))
        var response = SIPResponse(status: 200)
        response.headers.contentType = .sdp
        response.body = body("v=0")
        #expect(SIPMessage.response(response).sessionDescription == body("v=0"))
        response.headers.contentType = mixed
        response.body = body(outer)
        #expect(SIPMessage.response(response).sessionDescription == body("v=0\r\n"))
        response.headers.contentType = MediaType("text", "plain")
        #expect(SIPMessage.response(response).sessionDescription == nil)
    }

    @Test("what has no boundary, no part, or too many is none")
    func refused() throws {
        #expect(MultipartBody(body("--x\r\n\r\n"), type: MediaType("multipart", "mixed")) == nil)
        #expect(MultipartBody([], type: mixed) == nil)
        #expect(MultipartBody(body("--b 1--"), type: mixed) == nil)
        let many = String(repeating: "--b 1\r\n\r\nx\r\n", count: 17)
        #expect(MultipartBody(body(many), type: mixed) == nil)
        let longBoundary = MediaType(
            "multipart", "mixed", parameters: SIPParameters(["boundary": String(repeating: "a", count: 71)]))
        #expect(MultipartBody(body("--a"), type: longBoundary) == nil)
    }

    @Test("no body traps, however it is cut")
    func cut() throws {
        let text = body("--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b 1\r\n\r\n\r\n--b 1--\r\n")
        for end in 0...text.count {
            for start in 0..<min(end, 12) { _ = MultipartBody(Array(text[start..<end]), type: mixed)?.part(.sdp) }
        }
    }

    @Test("the torture message with several parts has its parts")
    func torture() throws {
        guard let vector = Corpus.vector("mpart01") else { return }
        let message = try SIPMessage.parse(vector.bytes)
        let type = try #require(message.headers.contentType)
        let multipart = try #require(MultipartBody(message.body, type: type))
        #expect(multipart.parts.count == 2)
        #expect(multipart.parts.first?.headers.contentType?.matches(MediaType("text", "plain")) == true)
        #expect(multipart.parts.last?.body.first == 0x30)
    }
}
