import SIPMessage
import Testing
import Wire

/// What the parser must make of a vector.
private enum Verdict: Equatable, Sendable {
    case request, response
    /// A request that is refused, with the status of the refusal.
    case refused(SIPParseError.Reason, status: Int)
    /// A response that is dropped.
    case dropped(SIPParseError.Reason)
}

/// Every vector of the corpora. Where EXPECT.csv leaves a choice, the choice made is this one.
private let verdicts: [String: Verdict] = [
    // RFC 4475 §3.1.1: valid
    "wsinv": .request, "intmeth": .request, "esc01": .request, "escnull": .request, "esc02": .request,
    "lwsdisp": .request, "longreq": .request, "dblreq": .request, "semiuri": .request, "transports": .request,
    "mpart01": .request, "unreason": .response, "noreason": .response,
    // RFC 4475 §3.1.2: invalid
    "badinv01": .refused(.badHeader(.via), status: 400),
    "clerr": .refused(.truncatedBody, status: 400),
    "ncl": .refused(.badHeader(.contentLength), status: 400),
    "scalar02": .refused(.badHeader(.cseq), status: 400),
    "scalarlg": .dropped(.badHeader(.cseq)),
    "quotbal": .refused(.badHeader(.to), status: 400),
    "ltgtruri": .refused(.badRequestURI, status: 400),
    "lwsruri": .refused(.badStartLine, status: 400),
    "lwsstart": .refused(.badStartLine, status: 400),
    "trws": .refused(.badStartLine, status: 400),
    "escruri": .refused(.badRequestURI, status: 400),
    "baddate": .request,  // the Date is ignored
    "regbadct": .refused(.badHeader(.contact), status: 400),
    "badaspec": .refused(.badHeader(.to), status: 400),
    "baddn": .request,  // the quotes are inferred
    "badvers": .refused(.unsupportedVersion, status: 505),
    "mismatch01": .refused(.methodMismatch, status: 400),
    "mismatch02": .refused(.methodMismatch, status: 400),
    "bigcode": .dropped(.badStatusCode),
    // RFC 4475 §3.2 to §3.4: well-formed, and refused by others than the parser unless said here
    "badbranch": .request, "unkscm": .request, "novelsc": .request, "unksm2": .request, "bext01": .request,
    "invut": .request, "regaut01": .request, "bcast": .response, "zeromf": .request, "cparam01": .request,
    "cparam02": .request, "regescrt": .request, "sdp01": .request, "inv2543": .request,
    "insuf": .refused(.missingHeader(.from), status: 400),
    "multi01": .refused(.repeatedHeader(.from), status: 400),
    "mcl01": .refused(.repeatedHeader(.contentLength), status: 400),
    // RFC 5118 §4
    "ipv6-good": .request, "ipv6-bad": .refused(.badRequestURI, status: 400), "port-ambiguous": .request,
    "port-unambiguous": .request, "via-received-param-with-delim": .request,
    "via-received-param-no-delim": .request, "mult-ip-in-header": .request,
    "mult-ip-in-sdp": .request, "ipv4-mapped-ipv6": .request,
    // The RFC prints 268 for a body of 251 bytes: over UDP that is an error. With the true length it is read (below).
    "ipv6-in-sdp": .refused(.truncatedBody, status: 400),
    "ipv6-bug-abnf-3-colons": .refused(.badRequestURI, status: 400), "ipv6-correct-abnf-2-colons": .request,
]

private let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 5070)

@Suite("RFC 4475 and RFC 5118 torture messages: verdicts")
struct TortureVerdictTests {
    @Test("every vector of the corpora has a verdict, and every verdict a vector")
    func complete() {
        guard !Corpus.all.isEmpty else { return }
        #expect(Set(Corpus.all.map(\.name)) == Set(verdicts.keys))
        #expect(Corpus.rfc4475.count == 49)
        #expect(Corpus.rfc5118.count == 12)
    }

    @Test("each vector is read or refused as expected", arguments: Corpus.all)
    func verdict(of vector: Corpus.Vector) {
        var found: Verdict
        do throws(SIPParseError) {
            let message = try SIPMessage.parse(vector.bytes)
            found = message.request == nil ? .response : .request
        } catch {
            let refusal = SIPResponse.refusal(of: vector.bytes, because: error, from: source, toTag: "t1")
            found = refusal.map { .refused(error.reason, status: $0.status) } ?? .dropped(error.reason)
            #expect(error.offset <= vector.bytes.count)
        }
        #expect(found == verdicts[vector.name])
    }

    @Test("verdicts agree with the table of expectations", arguments: Corpus.all)
    func agreesWithTable(vector: Corpus.Vector) {
        guard vector.name != "ipv6-in-sdp" else { return }
        switch verdicts[vector.name] {
        case .request, .response:
            #expect(
                vector.kind != "invalid" || vector.expected.contains(" or "),
                "an invalid message is read: \(vector.name)")
        case .refused(_, let status):
            #expect(vector.kind != "valid")
            #expect(vector.expected.contains("\(status)"))
        case .dropped:
            #expect(vector.expected.contains("discard"))
        case nil:
            Issue.record("no verdict for \(vector.name)")
        }
    }

    @Test("§4.6 of RFC 5118 is read once its Content-Length is the true one")
    func trueLength() throws {
        guard let vector = Corpus.vector("ipv6-in-sdp") else { return }
        let text = String(decoding: vector.bytes, as: UTF8.self)
        let message = try SIPMessage.parse([UInt8](text.replacing("Length: 268", with: "Length: 251").utf8))
        #expect(message.body.count == 251)
        #expect(message.request?.uri.sip?.host.text == "[2001:db8::10]")
    }

    @Test("what is read and written again is read as the same message", arguments: Corpus.all)
    func rewritten(vector: Corpus.Vector) throws {
        guard let message = try? SIPMessage.parse(vector.bytes) else { return }
        let bytes = message.serialized()
        let again = try SIPMessage.parse(bytes)
        #expect(again == message)
        #expect(again.serialized() == bytes)
    }

    @Test("a refusal can be read by the sender and names its transaction", arguments: Corpus.all)
    func refusalIsReadable(vector: Corpus.Vector) throws {
        do throws(SIPParseError) {
            _ = try SIPMessage.parse(vector.bytes)
        } catch {
            guard let refusal = SIPResponse.refusal(of: vector.bytes, because: error, from: source) else { return }
            // What was broken in the request comes back broken.
            let repeated: Set<String> = ["badinv01", "scalar02", "quotbal", "badaspec", "insuf", "badvers"]
            let broken = repeated.contains(vector.name) || vector.name == "ipv6-bug-abnf-3-colons"
            #expect(((try? SIPMessage.parse(refusal.serialized())) == nil) == broken)
            #expect(refusal.headers.contains(.via))
        }
    }
}
