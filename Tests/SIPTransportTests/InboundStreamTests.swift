import Glibc
import SIPMessage
import SIPTransport
import Testing
import Wire

@Suite("RFC 3261 §18 connections that others open")
struct InboundStreamTests {
    private static func client(_ box: Station) throws -> RawConnection {
        try #require(RawConnection(to: box.address))
    }

    private static func quick(_ change: (inout StreamLimits) -> Void = { _ in }) -> StreamLimits {
        var limits = StreamLimits()
        limits.message = .milliseconds(300)
        limits.idle = .milliseconds(600)
        change(&limits)
        return limits
    }

    @Test(
        "A request is answered over its own connection, on IPv4 and IPv6",
        arguments: [Station.loopback, Station.loopback6])
    func answer(address: NetworkAddress) async throws {
        let box = try await Station.open(at: address)
        let client = try Self.client(box)
        client.send(Station.text("one"))
        let (text, _) = await client.receive { $0.contains("\r\n\r\n") }
        #expect(text.hasPrefix("SIP/2.0 200 OK\r\n"))
        #expect(box.messages.first?.1.transport == .tcp)
        await box.close()
    }

    @Test("Bytes that come one by one are one message, and many messages in one packet are many")
    func fragments() async throws {
        let box = try await Station.open(answers: false)
        let client = try Self.client(box)
        for byte in Station.bytes("drops", body: 20) { client.send([byte]) }
        #expect(await box.heard("drops")?.0.body.count == 20)
        client.send((0..<100).map { Station.text("piped\($0)", body: $0) }.joined())
        #expect(await eventually { box.messages.count == 101 })
        #expect(box.callIDs.suffix(100) == (0..<100).map { "piped\($0)" }[...])
        await box.close()
    }

    @Test("A ping is answered by a pong")
    func ping() async throws {
        let box = try await Station.open()
        let client = try Self.client(box)
        client.send("\r\n\r\n")
        let (text, _) = await client.receive { $0.count >= 1 }
        #expect(text == "\r\n")
        client.send(Station.text("after") + "\r\n\r\n")
        // The pong is there at once, the answer when somebody gave it.
        let (more, _) = await client.receive { $0.hasSuffix("\r\n\r\n") }
        #expect(more.hasPrefix("\r\nSIP/2.0 200"))
        await box.close()
    }

    @Test("A slow drip keeps no connection: a message must be whole in time, and so must the first one begin")
    func drip() async throws {
        let box = try await Station.open(limits: Self.quick())
        let client = try Self.client(box)
        let silent = try Self.client(box)
        let begin = MonotonicTime.now()
        let bytes = Station.bytes("never whole")
        var sent = 0
        while sent < 60, client.send([bytes[sent]]) {
            sent += 1
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(sent < 60)
        #expect(MonotonicTime.now() - begin < .seconds(3))
        #expect(await silent.receive { _ in false }.end == .closed)
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        await box.close()
    }

    @Test("Pings do not stand for the first message, but keep a connection that spoke")
    func pingsAlone() async throws {
        let box = try await Station.open(limits: Self.quick { $0.idle = .seconds(2) })
        let mute = try Self.client(box)
        let speaker = try Self.client(box)
        speaker.send(Station.text("speaker"))
        _ = await box.heard("speaker")
        // Far longer than a first message may take, and than nothing may be heard.
        let end = MonotonicTime.now() + .milliseconds(2_600)
        while MonotonicTime.now() < end {
            mute.send("\r\n\r\n")
            speaker.send("\r\n\r\n")
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(await mute.receive { _ in false }.end != .waiting)
        speaker.send(Station.text("still"))
        #expect(await box.heard("still") != nil)
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        await box.close()
    }

    @Test("What cannot be framed is answered if possible, and the connection ends")
    func malformed() async throws {
        let box = try await Station.open()
        let client = try Self.client(box)
        client.send(
            Station.text("no length").replacing("Content-Length: 0", with: "Content-Length: x") + Station.text("next"))
        let (text, end) = await client.receive { _ in false }
        #expect(text.hasPrefix("SIP/2.0 400 "))
        #expect(end == .closed)
        let other = try Self.client(box)
        other.send("\u{16}\u{3}\u{1}")
        #expect(await other.receive { _ in false } == ("", .closed))
        #expect(box.messages.isEmpty)
        await box.close()
    }

    @Test("What came whole before the stream broke is answered before the connection ends")
    func brokenLater() async throws {
        let box = try await Station.open(answers: false)
        let client = try Self.client(box)
        client.send(Station.text("whole") + "\u{16}\u{3}\u{1}")
        let (message, peer) = try #require(await box.heard("whole"))
        #expect(await eventually { box.transport.counters.malformed == 1 })
        let request = try #require(message.request)
        box.transport.send(SIPResponse(to: request, status: 200).serialized(), to: peer)
        let (text, end) = await client.receive { _ in false }
        #expect(text.hasPrefix("SIP/2.0 200 "))
        #expect(end == .closed)
        await box.close()
    }

    @Test("A message that is whole but wrong is answered and the stream goes on, up to a limit")
    func mistakes() async throws {
        let box = try await Station.open()
        let client = try Self.client(box)
        let wrong = Station.text("wrong").replacing("CSeq: 1 OPTIONS", with: "CSeq: 1 INVITE")
        client.send(wrong + Station.text("right"))
        let (text, _) = await client.receive { $0.contains("SIP/2.0 200") }
        #expect(text.hasPrefix("SIP/2.0 400 "))
        #expect(await box.heard("right") != nil)
        client.send(String(repeating: wrong, count: 20))
        #expect(await client.receive { _ in false }.end != .waiting)
        #expect(box.transport.counters.malformed == 8)
        await box.close()
    }

    @Test("Who has no more to say still hears the answer; who is gone with RST costs nothing")
    func ends() async throws {
        let box = try await Station.open(answers: false)
        let client = try Self.client(box)
        client.send(Station.text("half"))
        client.finish()
        let (message, peer) = try #require(await box.heard("half"))
        try await Task.sleep(for: .milliseconds(50))
        let request = try #require(message.request)
        box.transport.send(SIPResponse(to: request, status: 200).serialized(), to: peer)
        #expect(await client.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("SIP/2.0 200"))
        let rude = try Self.client(box)
        rude.send(Station.text("rude"))
        _ = await box.heard("rude")
        rude.reset()
        let cut = try Self.client(box)
        cut.send("OPTIONS sip:")
        cut.finish()
        #expect(await cut.receive { _ in false }.end == .closed)
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        await box.close()
    }

    @Test("When the connection is gone the answer opens one to the port in the Via, at the host of the request")
    func goneConnection() async throws {
        let box = try await Station.open(answers: false)
        let peer = try await Station.open(answers: false)
        let client = try Self.client(box)
        client.send(Station.text("gone", sentBy: peer.address))
        let (message, source) = try #require(await box.heard("gone"))
        client.reset()
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        let request = try #require(message.request)
        // By the peer, and by the address alone.
        box.transport.send(SIPResponse(to: request, status: 180).serialized(), to: source)
        box.transport.send(SIPResponse(to: request, status: 200).serialized(), to: source.address)
        #expect(await eventually { peer.messages.count == 2 })
        #expect(peer.messages.map(\.1.transport) == [.tcp, .tcp])
        await box.close()
        await peer.close()
    }

    @Test("A switchboard that is behind makes senders wait, loses nothing, and is not flooded")
    func backPressure() async throws {
        let box = try await Station.open(reads: false)
        let client = try Self.client(box)
        let batch = (0..<64).map { Station.text("batch\($0)", body: 500) }.joined()
        var sent = 0
        // Until the kernel's buffers are full on both sides.
        for _ in 0..<5_000 {
            guard client.sendWithoutWaiting(Array(batch.utf8)) == batch.utf8.count else { break }
            sent += 64
            if sent % 1_024 == 0 { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(sent < 5_000 * 64)
        let held = box.transport.counters.received
        #expect(held <= SIPTransport.inputLimit / 2)
        box.read(answers: false)
        #expect(await eventually(within: .seconds(60)) { box.messages.count >= sent })
        await box.close()
    }

    @Test("Who does not read his answers loses the connection, not we the memory")
    func unread() async throws {
        let box = try await Station.open(
            limits: Self.quick {
                $0.message = .seconds(10); $0.idle = .seconds(60)
            })
        let client = try Self.client(box)
        let batch = Array((0..<200).map { Station.text("unread\($0)") }.joined().utf8)
        let isCutOff = await eventually(within: .seconds(60)) {
            for _ in 0..<20 where client.sendWithoutWaiting(batch) < 0 && errno != EAGAIN { return true }
            return false
        }
        #expect(isCutOff)
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        await box.close()
    }
}
