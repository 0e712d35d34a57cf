import SIPMessage
import Testing
import Wire

private func name(_ text: String) throws -> SIPHeaderName {
    try #require(SIPHeaderName(text))
}

@Suite("RFC 3261 §7.3 header fields")
struct HeaderTests {
    @Test(
        "every spelling and every compact form is one name",
        arguments: [
            ("VIA", "Via"), ("v", "Via"), ("F", "From"), ("i", "Call-ID"), ("call-id", "Call-ID"), ("CSEQ", "CSeq"),
            ("M", "Contact"), ("k", "Supported"), ("x", "Session-Expires"), ("www-AUTHENTICATE", "WWW-Authenticate"),
            ("x-foo-BAR", "X-Foo-Bar"), ("o", "Event"), ("u", "Allow-Events"), ("q", "Q"),
        ])
    func names(spelling: String, canonical: String) throws {
        #expect(try name(spelling).text == canonical)
        #expect(try name(spelling) == name(canonical.uppercased()))
    }

    @Test("what is no token is no name", arguments: ["", "a b", "a:b", "é", "a\r\nb"])
    func noNames(text: String) {
        #expect(SIPHeaderName(text) == nil)
        #expect(SIPMethod(rawValue: text) == nil)
    }

    @Test("nothing that a user typed begins another field or another line")
    func injection() throws {
        var headers = SIPHeaders()
        headers.append(.subject, " hello\r\nVia: evil\n\r\n ")
        #expect(headers[.subject] == "hello  Via: evil")
        let host = try #require(SIPHost("example.net"))
        let uri = SIPURI(user: "1\r\nX: y@z>;<", host: host)
        #expect(uri.text == "sip:1%0D%0AX%3A%20y%40z%3E;%3C@example.net")
        #expect(try SIPURI(uri.text).user == "1\r\nX: y@z>;<")
        let response = SIPResponse(status: 200, reason: "OK\r\nX: y")
        #expect(!String(decoding: response.serialized(), as: UTF8.self).contains("\r\nX: y"))
        #expect(
            SIPHost("a b") == nil && SIPHost("a\r\n") == nil && SIPHost("[::1\u{0}x]") == nil
                && SIPHost("[192.0.2.1]") == nil)
    }

    @Test("fields keep their order, and one of several can be replaced, put first and removed")
    func order() {
        var headers = SIPHeaders()
        headers.append(.via, "1")
        headers.append(.to, "t")
        headers.append(.via, "2")
        headers.prepend(.via, "0")
        #expect(headers.values(.via) == ["0", "1", "2"])
        headers[.via] = "only"
        #expect(headers.fields.map(\.value) == ["only", "t"])
        headers[.to] = nil
        #expect(headers.fields.count == 1)
        #expect(!headers.contains(.to))
    }

    @Test("replacing the top Via leaves the others, in one line or in several")
    func topVia() throws {
        var headers = SIPHeaders()
        headers.append(.via, "SIP/2.0/UDP a;rport , SIP/2.0/UDP b;branch=2")
        headers.append(.via, "SIP/2.0/UDP c;branch=3")
        var top = try #require(headers.topVia)
        top.note(source: NetworkAddress(host: .ipv4(0xC000_0201), port: 7))
        headers.topVia = top
        let vias = try headers.vias()
        #expect(vias.map(\.host.text) == ["a", "b", "c"])
        #expect(vias.first?.responseTarget == NetworkAddress("192.0.2.1", port: 7))
        #expect(headers.count(.via) == 2)
    }

    @Test("numbers are bounded, and absurd ones do not trap")
    func numbers() {
        var headers = SIPHeaders()
        headers.append(.expires, "99999999999999999999999")
        headers.append(.minExpires, "60x")
        headers.append(.maxForwards, "256")
        headers.append(.retryAfter, "18000;duration=3600")
        headers.append(.cseq, "2147483648 INVITE")
        #expect(headers.expires == Int(UInt32.max))
        #expect(headers.minExpires == nil)
        #expect(headers.maxForwards == nil)
        #expect(headers.retryAfter == 18_000)
        #expect(headers.cseq == nil)
    }

    @Test("lists, reasons and star")
    func lists() throws {
        var headers = SIPHeaders()
        headers.append(.allow, "INVITE , ACK,BYE")
        headers.append(.allow, "INFO")
        headers.append(.supported, "Timer, 100REL")
        headers.append(.reason, "Q.850;cause=16;text=\"Terminated, \\\"ok\\\"\" , SIP;cause=200")
        headers.append(.contact, " * ")
        #expect(headers.allow == [.invite, .ack, .bye, .info])
        #expect(headers.supported == ["timer", "100rel"])
        #expect(headers.reasons.map(\.cause) == [16, 200])
        #expect(headers.reasons.first?.phrase == "Terminated, \"ok\"")
        #expect(try headers.contacts() == .all)
        headers.append(.contact, "<sip:a@b>")
        #expect(throws: SIPParseError.self) { try headers.contacts() }
    }

    @Test("personal data does not appear when a message is printed")
    func redaction() throws {
        let host = try #require(SIPHost("example.net"))
        let uri = SIPURI(user: "+4930123456", host: host)
        let address = NameAddress(displayName: "Ada", uri, tag: "1")
        let via = Via(sentBy: NetworkAddress(host: .ipv4(1), port: 1), branch: "z9hG4bKx")
        let request = SIPRequest(.invite, uri, via: via, from: address, to: address, callID: "x", cseq: 1)
        var dumped = ""
        dump(SIPMessage.request(request), to: &dumped)
        dump(address, to: &dumped)
        dump(URI.other(scheme: "tel", rest: "+4930123456"), to: &dumped)
        dumped += "\(request) \(request.headers) \(SIPResponse(to: request, status: 200)) \(address)"
        #expect(!dumped.contains("30123456"))
        #expect(!dumped.contains("Ada"))
        #expect(dumped.contains("INVITE"))
    }
}
