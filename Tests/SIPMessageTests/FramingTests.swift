import SIPMessage
import Testing
import Wire

private let start = "OPTIONS sip:a@example.net SIP/2.0\r\n"
private let fields =
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:b@example.net>;tag=1\r\n"
    + "To: <sip:a@example.net>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"

private func parsed(_ text: String) throws(SIPParseError) -> SIPMessage {
    try SIPMessage.parse([UInt8](text.utf8))
}

private func reason(_ text: String) -> SIPParseError.Reason? {
    do throws(SIPParseError) {
        _ = try parsed(text)
        return nil
    } catch {
        return error.reason
    }
}

@Suite("RFC 3261 §7 and §18.3 framing of a datagram")
struct FramingTests {
    @Test("Content-Length cuts the body, and may not promise more than there is")
    func contentLength() throws {
        #expect(try parsed(start + fields + "\r\nbody").body == [UInt8]("body".utf8))
        #expect(try parsed(start + fields + "Content-Length: 2\r\n\r\nbody").body == [UInt8]("bo".utf8))
        #expect(try parsed(start + fields + "l:0\r\n\r\nbody").body.isEmpty)
        #expect(reason(start + fields + "Content-Length: 5\r\n\r\nbody") == .truncatedBody)
        for bad in ["", "-1", "4 4", "four", "99999999999999999999", "+4", "0x4"] {
            #expect(reason(start + fields + "Content-Length: \(bad)\r\n\r\nbody") == .badHeader(.contentLength))
        }
        #expect(reason(start + fields + "Content-Length: 18446744073709551615\r\n\r\nbody") == .truncatedBody)
        #expect(reason(start + fields + "l: 4\r\nContent-Length: 4\r\n\r\nbody") == .repeatedHeader(.contentLength))
    }

    @Test("Content-Length is written from the body, whatever the fields claim")
    func writtenLength() throws {
        guard var request = try parsed(start + fields + "\r\n").request else { throw SIPParseError(.empty) }
        request.headers.append(.contentLength, "999")
        request.setBody([1, 2, 3])
        let again = try SIPMessage.parse(request.serialized())
        #expect(again.body == [1, 2, 3])
        #expect(again.headers[.contentLength] == nil)
        #expect(again.headers.contentType == .sdp)
    }

    @Test("keep-alives are told from messages, and line ends before a message are skipped")
    func keepAlive() throws {
        #expect(reason("") == .empty)
        #expect(reason("\r\n\r\n") == .empty)
        #expect(try parsed("\r\n\r\n" + start + fields + "\r\n").request?.method == .options)
    }

    @Test("LF alone ends a line; CR alone does not")
    func lineEnds() throws {
        let text = (start + fields + "\r\nx").replacing("\r\n", with: "\n")
        #expect(try parsed(text) == parsed(start + fields + "\r\nx"))
        #expect(reason(start + "Subject: a\rVia: b\r\n" + fields + "\r\n") == .badHeaderLine)
        #expect(try parsed(start + String(fields.dropLast())).body.isEmpty)
        #expect(reason(start + " folded: nothing\r\n" + fields + "\r\n") == .badHeaderLine)
        #expect(reason(start + ": no name\r\n" + fields + "\r\n") == .badHeaderLine)
        #expect(reason(start + "no colon\r\n" + fields + "\r\n") == .badHeaderLine)
    }

    @Test("an error says where the wrong line begins")
    func offsets() {
        do throws(SIPParseError) {
            _ = try parsed(start + "Max-Forwards: 256\r\n" + fields + "\r\n")
            Issue.record("256 hops were accepted")
        } catch {
            #expect(error == SIPParseError(.badHeader(.maxForwards), at: start.utf8.count))
        }
    }

    @Test(
        "start lines that are none",
        arguments: [
            "OPTIONS", "OPTIONS sip:a@b", "OPTIONS sip:a@b SIP/2.0 x", "OPT IONS sip:a@b SIP/2.0", "SIP/2.0",
            "\"X\" sip:a SIP/2.0",
            "GET / HTTP/1.1", "OPTIONS sip:a@b SIP/2", "OPTIONS sip:a@b SIP/2.x",
        ])
    func startLines(line: String) {
        #expect(reason(line + "\r\n" + fields + "\r\n") == .badStartLine)
    }

    @Test("versions and status codes that nobody speaks")
    func versions() throws {
        #expect(reason("OPTIONS sip:a@b SIP/3.0\r\n" + fields + "\r\n") == .unsupportedVersion)
        #expect(reason("SIP/1.0 200 OK\r\n" + fields + "\r\n") == .unsupportedVersion)
        #expect(try parsed("OPTIONS sip:a@b sip/2.0\r\n" + fields + "\r\n").request != nil)
        #expect(try parsed("SIP/2.0 200\r\n" + fields + "\r\n").response?.status == 200)
        for status in ["99", "099", "700", "20", "2000", "-20", "2x0", ""] {
            #expect(reason("SIP/2.0 \(status) OK\r\n" + fields + "\r\n") == .badStatusCode)
        }
    }
}

/// A header block of almost 64 KiB that repeats one thing.
struct Filler: Sendable, CustomTestStringConvertible {
    let head: String
    let unit: String

    init(_ head: String, _ unit: String) {
        self.head = head
        self.unit = unit
    }

    var text: String { head + String(repeating: unit, count: 65_000 / unit.utf8.count) + "\r\n" }
    var testDescription: String { "\(head)\(unit)…".debugDescription }
}

@Suite("Limits on what a stranger may send")
struct LimitTests {
    @Test("256 header fields are read, 257 refused")
    func headerCount() {
        let filler = String(repeating: "X-A: b\r\n", count: 251)
        #expect(reason(start + fields + filler + "\r\n") == nil)
        #expect(reason(start + fields + filler + "X-A: b\r\n\r\n") == .tooManyHeaders)
    }

    @Test("a header block of 64 KiB is read, one byte more refused, folded or in one line")
    func headerBytes() {
        let room = 65_536 - (start + fields + "X-A: \r\n\r\n").utf8.count
        let fits = start + fields + "X-A: " + String(repeating: "b", count: room) + "\r\n\r\n"
        #expect(fits.utf8.count == 65_536)
        #expect(reason(fits) == nil)
        #expect(
            reason(start + fields + "X-A: " + String(repeating: "b", count: room + 1) + "\r\n\r\n") == .headersTooLarge)
        #expect(reason(start + fields + "X-A: a\r\n" + String(repeating: " b\r\n", count: 20_000)) == .headersTooLarge)
    }

    @Test("a body of 64 KiB is read, one byte more refused")
    func bodyBytes() throws {
        let body = String(repeating: "b", count: 65_536)
        #expect(try parsed(start + fields + "\r\n" + body).body.count == 65_536)
        #expect(reason(start + fields + "\r\n" + body + "b") == .bodyTooLarge)
        let huge = [UInt8](repeating: 0x62, count: 200_000)
        #expect(throws: SIPParseError.self) { try huge.withUnsafeBytes { try SIPMessage.parse($0) } }
    }

    @Test("a value with more than 128 parameters is refused")
    func parameters() {
        let many = String(repeating: ";a", count: 129)
        #expect(reason(start + fields.replacing(";tag=1", with: many) + "\r\n") == .badHeader(.from))
        #expect(reason("OPTIONS sip:a@b\(many) SIP/2.0\r\n" + fields + "\r\n") == .badRequestURI)
    }

    @Test(
        "the largest messages take milliseconds, whatever they are full of",
        arguments: [
            Filler("Via: SIP/2.0/UDP a", ",SIP/2.0/UDP a"), Filler("Contact: <sip:a@b>", ",<sip:a@b>"),
            Filler("Contact: ", "a"), Filler("Contact: \"", "\\\""), Filler("WWW-Authenticate: Digest ", "a=b,"),
            Filler("WWW-Authenticate: ", ","), Filler("WWW-Authenticate: ", "a "), Filler("WWW-Authenticate: ", "a ,"),
            Filler("Allow: A", ",A"), Filler("X-A: a", "\r\n "), Filler("", " "), Filler("", ":"), Filler("X: ", "\t"),
            Filler("X: y", "\r\nX: y"), Filler("Route: a", " "), Filler("Route: ", "<"),
        ])
    func slowest(filler: Filler) {
        let bytes = [UInt8]((start + filler.text + fields + "\r\n").utf8)
        let took = processorTime {
            do throws(SIPParseError) {
                let headers = try SIPMessage.parse(bytes).headers
                _ = try? headers.vias()
                _ = try? headers.wwwChallenges()
                _ = headers.allow
                _ = headers.contact
                _ = headers.topVia
            } catch {
                _ = SIPResponse.refusal(of: bytes, because: error, from: NetworkAddress(host: .ipv4(1), port: 1))
            }
        }
        #expect(took < .milliseconds(1_500), "\(took)")
    }
}
