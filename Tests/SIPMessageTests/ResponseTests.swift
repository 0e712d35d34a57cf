import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §8.2.6 responses")
struct ResponseTests {
    private let invite = [UInt8](
        ("INVITE sip:a@b SIP/2.0\r\nTimestamp: 54\r\nv: SIP/2.0/UDP p, SIP/2.0/UDP q\r\nVia: SIP/2.0/UDP r\r\n"
            + "Record-Route: <sip:p;lr>\r\nFrom: \"X\" <sip:x@y>;tag=1\r\nTo: \"A\" <sip:a@b>;x=y\r\nCall-ID: c\r\n"
            + "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:x@z>\r\n\r\n").utf8)

    private func request() throws -> SIPRequest {
        try #require(try SIPMessage.parse(invite).request)
    }

    @Test("what identifies the request is repeated as it came")
    func copies() throws {
        let ok = SIPResponse(to: try request(), status: 200, toTag: "t")
        #expect(ok.reason == "OK")
        #expect(ok.headers.values(.via) == ["SIP/2.0/UDP p, SIP/2.0/UDP q", "SIP/2.0/UDP r"])
        #expect(ok.headers.values(.recordRoute) == ["<sip:p;lr>"])
        #expect(ok.headers[.from] == "\"X\" <sip:x@y>;tag=1")
        #expect(ok.headers.to?.tag == "t")
        #expect(ok.headers.to?.displayName == "A")
        #expect(ok.headers.cseq == CSeq(1, .invite))
        #expect(
            !ok.headers.contains(.contact) && !ok.headers.contains(.maxForwards) && !ok.headers.contains(.timestamp))
        #expect(ok.isSuccess && !ok.isProvisional)
    }

    @Test("a 100 has no tag and returns the timestamp; a refusal makes no route set; a tag that is there stays")
    func differences() throws {
        let trying = SIPResponse(to: try request(), status: 100, toTag: "t")
        #expect(trying.headers[.to] == "\"A\" <sip:a@b>;x=y")
        #expect(trying.headers[.timestamp] == "54")
        #expect(!trying.headers.contains(.recordRoute))
        #expect(!SIPResponse(to: try request(), status: 486).headers.contains(.recordRoute))
        var inDialog = try request()
        inDialog.headers[.to] = "<sip:a@b>;tag=old"
        #expect(SIPResponse(to: inDialog, status: 200, toTag: "new").headers.to?.tag == "old")
    }

    @Test("phrases for known codes, and the class's for unknown ones")
    func phrases() {
        #expect(SIPResponse.phrase(487) == "Request Terminated")
        #expect(SIPResponse.phrase(499) == "Bad Request")
        #expect(SIPResponse.phrase(7) == "Unknown")
    }

    @Test("a refusal goes back to the sender with what can be saved; ACK, responses and noise get none")
    func refusals() throws {
        let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 99)
        let text = "X sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;rport\r\nTo: <sip:a@b>\r\nCSeq: 1 X\r\nCall-ID: c\r\n\r\n"
        func refusal(_ text: String) -> SIPResponse? {
            let bytes = [UInt8](text.utf8)
            do throws(SIPParseError) {
                _ = try SIPMessage.parse(bytes)
                Issue.record("was read: \(text)")
                return nil
            } catch {
                return SIPResponse.refusal(of: bytes, because: error, from: source, toTag: "t")
            }
        }
        let refused = try #require(refusal(text))
        #expect(refused.status == 400)
        #expect(refused.headers.topVia?.responseTarget == source)
        #expect(refused.headers.to?.tag == "t")
        #expect(refusal(text.replacing("X sip", with: "ACK sip")) == nil)
        #expect(refusal(text.replacing("X sip:a@b SIP/2.0", with: "SIP/2.0 200 OK")) == nil)
        #expect(refusal(text.replacing("Via", with: "Vai")) == nil)
        #expect(refusal("GET / HTTP/1.1\r\nVia: x\r\n\r\n") == nil)
        #expect(refusal("\r\n") == nil)
    }
}
