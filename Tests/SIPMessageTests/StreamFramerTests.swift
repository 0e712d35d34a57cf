import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §7.5 and §18.3 framing of a stream")
struct StreamFramerTests {
    private static func message(_ callID: String, body: String = "") -> String {
        "OPTIONS sip:a@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK\(callID)\r\n"
            + "From: <sip:b@example.net>;tag=1\r\nTo: <sip:a@example.net>\r\nCall-ID: \(callID)\r\nCSeq: 1 OPTIONS\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func elements(_ framer: inout StreamFramer) throws -> [StreamFramer.Element] {
        var all: [StreamFramer.Element] = []
        while let element = try framer.next() { all.append(element) }
        return all
    }

    private static func reason(_ text: String) -> SIPParseError.Reason? {
        var framer = StreamFramer()
        framer.append(text.utf8)
        do throws(StreamFramer.Failure) {
            while try framer.next() != nil {}
            return nil
        } catch {
            return error.error.reason
        }
    }

    @Test(
        "Messages, bodies and pings come out the same however the bytes are cut",
        arguments: [1, 2, 3, 7, 64, 4_096])
    func cuts(size: Int) throws {
        let first = Self.message("one", body: "v=0\r\n\r\nOPTIONS sip:")
        let second = Self.message("two")
        let bytes = Array(("\r\n\r\n" + first + second + "\r\n" + first + "\r\n\r\n\r\n").utf8)
        var framer = StreamFramer()
        var all: [StreamFramer.Element] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            framer.append(bytes[start..<min(start + size, bytes.count)])
            all += try Self.elements(&framer)
        }
        let one = StreamFramer.Element.message(Array(first.utf8))
        #expect(all == [.ping, one, .message(Array(second.utf8)), one, .ping])
        #expect(!framer.isInsideMessage)
    }

    @Test("Lines may end in LF alone, the length may be written short and folded")
    func leniency() throws {
        let text = "OPTIONS sip:a@b SIP/2.0\nVia: x\nl:\n 3\n\nabc"
        var framer = StreamFramer()
        framer.append((text + "\n").utf8)
        #expect(try Self.elements(&framer) == [.message(Array(text.utf8))])
    }

    @Test("A message whose end cannot be known ends the stream, and tells what was read of it")
    func failures() {
        let head = "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n"
        #expect(Self.reason(head + "\r\n") == .missingHeader(.contentLength))
        for length in ["", "-1", "1 1", "x", "0x1"] {
            #expect(Self.reason(head + "Content-Length: \(length)\r\n\r\n") == .badHeader(.contentLength))
        }
        #expect(Self.reason(head + "l: 1\r\nContent-Length: 1\r\n\r\n1") == .repeatedHeader(.contentLength))
        #expect(Self.reason(head + "l: 65537\r\n\r\n") == .bodyTooLarge)
        #expect(Self.reason(head + "l: 99999999999999999999\r\n\r\n") == .badHeader(.contentLength))
        #expect(Self.reason(head + "no colon\r\n\r\n") == .badHeaderLine)
        #expect(Self.reason("\u{16}\u{3}\u{1}") == .badStartLine)
        #expect(Self.reason("\rx") == .badHeaderLine)
        var framer = StreamFramer()
        framer.append((head + "\r\n").utf8)
        do throws(StreamFramer.Failure) {
            _ = try framer.next()
            Issue.record("a message without a length was taken")
        } catch {
            #expect(error.head == Array((head + "\r\n").utf8))
        }
    }

    @Test("Any cutting gives the same messages and pings")
    func anyCutting() throws {
        var generator = SeededGenerator(seed: 5)
        let stream = (0..<20).map { index in
            (index % 3 == 0 ? "\r\n\r\n" : "") + Self.message("c\(index)", body: String(repeating: "x\n", count: index))
        }.joined().utf8.map(\.self)
        var framer = StreamFramer()
        framer.append(stream)
        let whole = try Self.elements(&framer)
        #expect(whole.count == 27)
        for _ in 0..<50 {
            var framer = StreamFramer()
            var found: [StreamFramer.Element] = []
            var start = 0
            while start < stream.count {
                let end = min(start + Int.random(in: 1...90, using: &generator), stream.count)
                framer.append(stream[start..<end])
                found += try Self.elements(&framer)
                start = end
            }
            #expect(found == whole)
            #expect(framer.count == 0 && !framer.isInsideMessage)
        }
    }

    @Test("What an element holds is what the parser reads: compact, folded and spaced lengths")
    func parsed() throws {
        let head = Self.message("c").replacing("Content-Length: 0\r\n\r\n", with: "")
        for length in ["l:3", "L : 3", "CONTENT-LENGTH:\t3 ", "Content-Length:3", "l:\r\n 3"] {
            var framer = StreamFramer()
            framer.append((head + "Subject: l\r\n l: 9\r\n\(length)\r\n\r\nabc").utf8)
            guard case .message(let bytes)? = try framer.next() else {
                Issue.record("no message for \(length)")
                continue
            }
            #expect(try SIPMessage.parse(bytes).body == Array("abc".utf8))
        }
    }

    @Test("One line end is the answer to a ping only if we sent one")
    func pong() throws {
        var framer = StreamFramer()
        framer.append(("\r\n" + Self.message("c")).utf8)
        #expect(try Self.elements(&framer) == [.message(Array(Self.message("c").utf8))])
        for _ in 0..<3 {
            framer.sentPing()
            framer.append("\r\n".utf8)
            #expect(try Self.elements(&framer) == [.pong])
        }
        framer.append("\r\n".utf8)
        #expect(try Self.elements(&framer) == [])
        framer.append("\r\n".utf8)
        #expect(try Self.elements(&framer) == [.ping])
    }

    @Test("What could not be framed can be refused with a 400 or 513")
    func refusal() throws {
        let head = Self.message("c").replacing("Content-Length: 0\r\n\r\n", with: "")
        let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 5070)
        let filler = "X: " + String(repeating: "x", count: 65_536)
        for (text, reason) in [
            (head + "\r\n", SIPParseError.Reason.missingHeader(.contentLength)),
            (head + "l: 18446744073709551615\r\n\r\n", .bodyTooLarge), (head + filler, .headersTooLarge),
        ] {
            var framer = StreamFramer()
            framer.append(text.utf8)
            do throws(StreamFramer.Failure) {
                _ = try framer.next()
                Issue.record("a message was taken")
            } catch {
                #expect(error.error.reason == reason)
                let refusal = SIPResponse.refusal(of: error.head, because: error.error, from: source)
                #expect([400, 413, 513].contains(refusal?.status))
            }
        }
    }

    @Test("A header block of 64 KiB is the largest, whether its end came or not")
    func limits() throws {
        let head = "OPTIONS sip:a@b SIP/2.0\r\nl: 65536\r\nX: "
        let filler = String(repeating: "x", count: 65_536 - head.utf8.count - 4)
        var framer = StreamFramer()
        framer.append((head + filler + "\r\n\r\n" + String(repeating: "b", count: 65_536)).utf8)
        guard case .message(let message)? = try framer.next() else {
            Issue.record("the largest message was not taken")
            return
        }
        #expect(message.count == 131_072)
        #expect(Self.reason(head + filler + "x\r\n\r\n") == .headersTooLarge)
        #expect(Self.reason(head + String(repeating: "x", count: 65_600)) == .headersTooLarge)
    }

    @Test("Bytes of chance never trap, and never make it hold more than a message")
    func chance() {
        var generator = SeededGenerator(seed: 5626)
        let pieces = [
            "\r\n", "\r", "\n", "OPTIONS ", "l: ", "Content-Length: 3\r\n", "\r\n\r\n", "abc", ": ", "9", "\u{0}",
        ]
        for _ in 0..<2_000 {
            var framer = StreamFramer()
            for _ in 0..<40 {
                framer.append(pieces.randomElement(using: &generator).map { Array($0.utf8) } ?? [])
                do throws(StreamFramer.Failure) {
                    while try framer.next() != nil {}
                } catch { break }
                #expect(framer.count <= 131_072)
            }
        }
    }
}
