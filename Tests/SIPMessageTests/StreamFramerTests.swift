import SIPMessage
import Testing
import Wire

private func bytes(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

private let head =
    "OPTIONS sip:a@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:b@example.net>;tag=1\r\n"
    + "To: <sip:a@example.net>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"

private func message(_ body: String) -> [UInt8] {
    bytes(head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
}

private func frames(_ framer: inout SIPStreamFramer) -> [SIPStreamFramer.Frame] {
    var found: [SIPStreamFramer.Frame] = []
    while let frame = framer.next() { found.append(frame) }
    return found
}

/// All frames of a stream that arrives in pieces of one size.
private func frames(of stream: [UInt8], pieces: Int) -> [SIPStreamFramer.Frame] {
    var framer = SIPStreamFramer()
    var found: [SIPStreamFramer.Frame] = []
    for start in stride(from: 0, to: stream.count, by: pieces) {
        framer.append(stream[start..<min(start + pieces, stream.count)])
        found += frames(&framer)
    }
    return found
}

private func fault(_ stream: [UInt8]) -> SIPParseError.Reason? {
    guard case .fault(let error, _)? = frames(of: stream, pieces: 4096).last else { return nil }
    return error.reason
}

@Suite("RFC 3261 §18.3 framing of a stream")
struct StreamFramerTests {
    @Test("messages and pings come out whole, however the bytes were cut", arguments: [1, 2, 3, 7, 64, 100_000])
    func pieces(size: Int) {
        let stream = message("one") + bytes("\r\n\r\n") + message("") + message("\r\n\r\n") + bytes("\r\n\r\n")
        #expect(
            frames(of: stream, pieces: size) == [
                .message(message("one")), .ping, .message(message("")), .message(message("\r\n\r\n")), .ping,
            ])
    }

    @Test("any cutting gives the same frames")
    func anyCutting() {
        var generator = SeededGenerator(seed: 5)
        let stream = (0..<20).flatMap { index in
            (index % 3 == 0 ? bytes("\r\n\r\n") : []) + message(String(repeating: "x\n", count: index))
        }
        let whole = frames(of: stream, pieces: stream.count)
        #expect(whole.count == 27)
        for _ in 0..<50 {
            var framer = SIPStreamFramer()
            var found: [SIPStreamFramer.Frame] = []
            var start = 0
            while start < stream.count {
                let end = min(start + Int.random(in: 1...90, using: &generator), stream.count)
                framer.append(stream[start..<end])
                found += frames(&framer)
                start = end
            }
            #expect(found == whole)
            #expect(framer.byteCount == 0 && !framer.isInsideMessage)
        }
    }

    @Test("what a frame holds is what the parser reads; compact, folded and spaced lengths are known")
    func parsed() throws {
        for length in ["l:3", "L : 3", "CONTENT-LENGTH:\t3 ", "Content-Length:3"] {
            let stream = bytes(head + "Subject: l\r\n l: 9\r\n\(length)\r\n\r\nabc")
            guard case .message(let frame)? = frames(of: stream, pieces: 10).first else {
                Issue.record("no message for \(length)")
                continue
            }
            #expect(try SIPMessage.parse(frame).body == bytes("abc"))
        }
        #expect(frames(of: bytes((head + "l: 0\r\n\r\n").replacing("\r\n", with: "\n")), pieces: 3).count == 1)
    }

    @Test("one empty line is the answer to a ping only if we sent one")
    func pong() {
        var framer = SIPStreamFramer()
        framer.append(bytes("\r\n") + message(""))
        #expect(frames(&framer) == [.message(message(""))])
        framer.sentPing()
        framer.append(bytes("\r\n"))
        #expect(frames(&framer) == [.pong])
        framer.append(bytes("\r\n"))
        #expect(frames(&framer) == [])
        framer.append(bytes("\r\n"))
        #expect(frames(&framer) == [.ping])
    }

    @Test("where the length is not certain the stream ends with a refusal")
    func faults() {
        #expect(fault(bytes(head + "\r\n")) == .missingHeader(.contentLength))
        #expect(fault(bytes(head + "l: 4\r\nContent-Length: 4\r\n\r\nbody")) == .repeatedHeader(.contentLength))
        for bad in ["", "-1", "four", "99999999999999999999", "0x4"] {
            #expect(fault(bytes(head + "l: \(bad)\r\n\r\nbody")) == .badHeader(.contentLength))
        }
        #expect(fault(bytes(head + "l: 65537\r\n\r\n")) == .bodyTooLarge)
        #expect(fault(bytes(head + "l: 18446744073709551615\r\n\r\n")) == .bodyTooLarge)
        var framer = SIPStreamFramer()
        framer.append(bytes(head + "\r\n") + message(""))
        guard case .fault(let error, let broken)? = framer.next() else {
            Issue.record("no fault")
            return
        }
        #expect(framer.isBroken && framer.next() == nil && framer.byteCount == 0)
        framer.append(message(""))
        #expect(framer.next() == nil && framer.byteCount == 0)
        let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 5070)
        #expect(SIPResponse.refusal(of: broken, because: error, from: source)?.status == 400)
    }

    @Test("the head is bounded, and a slow one costs no more than its bytes")
    func bounds() {
        let room = 65_536 - (head + "X: \r\nl: 0\r\n\r\n").utf8.count
        let largest = bytes(head + "X: " + String(repeating: "a", count: room) + "\r\nl: 0\r\n\r\n")
        #expect(frames(of: largest, pieces: 1000) == [.message(largest)])
        let larger = bytes(head + "X: " + String(repeating: "a", count: room + 1) + "\r\nl: 0\r\n\r\n")
        #expect(fault(larger) == .headersTooLarge)
        var framer = SIPStreamFramer()
        for _ in 0..<200_000 {
            framer.append([0x61])
            if framer.next() != nil { break }
        }
        #expect(framer.isBroken)
        let body = bytes(head + "l: 65536\r\n\r\n") + [UInt8](repeating: 0, count: 65_536)
        #expect(frames(of: body, pieces: 1500) == [.message(body)])
    }
}
