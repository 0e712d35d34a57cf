import Glibc
import SIPMessage
import SIPTransport
import Testing
import Wire

@Suite("RFC 3261 §18.1 connections that we open")
struct OutboundStreamTests {
    /// A listener of the kernel's own, which accepts without waiting.
    private static func listener() throws -> (descriptor: CInt, address: NetworkAddress) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var (storage, length) = Station.loopback.socketAddress()
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                listen(descriptor, 0)
                getsockname(descriptor, $0, &length)
            }
        }
        return (descriptor, try #require(NetworkAddress(storage)))
    }

    /// A port that nobody listens to.
    private static func deafAddress() async throws -> NetworkAddress {
        let station = try await Station.open()
        await station.close()
        return station.address
    }

    @Test(
        "One connection carries all requests in their order, and their answers",
        arguments: [Station.loopback, Station.loopback6])
    func reuse(address: NetworkAddress) async throws {
        let box = try await Station.open(at: address, answers: false)
        let provider = try await Station.open(at: address)
        for number in 0..<50 { box.transport.send(Station.bytes("r\(number)"), to: provider.tcp) }
        #expect(await eventually { box.messages.count == 50 })
        #expect(provider.callIDs == (0..<50).map { "r\($0)" })
        #expect(await provider.transport.connectionCount() == 1)
        #expect(box.messages.allSatisfy { $0.1 == provider.tcp })
        await box.close()
        await provider.close()
    }

    @Test("A connection that is refused is told once for all that waited, and made again on the next use")
    func refused() async throws {
        let box = try await Station.open()
        let address = try await Self.deafAddress()
        for number in 0..<50 { box.transport.send(Station.bytes("lost\(number)"), to: SIPPeer(.tcp, address)) }
        #expect(await eventually { !box.unreachable.isEmpty })
        try await Task.sleep(for: .milliseconds(50))
        // Those that come after a refusal wait for the next one.
        #expect(box.unreachable.count < 10 && box.unreachable.allSatisfy { $0.0 == SIPPeer(.tcp, address) })
        let provider = try await Station.open(at: address)
        box.transport.send(Station.bytes("found"), to: provider.tcp)
        #expect(await provider.heard("found") != nil)
        await box.close()
        await provider.close()
    }

    @Test("A connection that ends is told, and made again on the next use")
    func lost() async throws {
        let box = try await Station.open()
        let first = try await Station.open()
        box.transport.send(Station.bytes("first"), to: first.tcp)
        _ = await first.heard("first")
        await first.close()
        #expect(await eventually { box.lost == [first.tcp] })
        let second = try await Station.open(at: first.address)
        box.transport.send(Station.bytes("second"), to: second.tcp)
        #expect(await second.heard("second") != nil)
        #expect(box.unreachable.isEmpty)
        await box.close()
        await second.close()
    }

    @Test("Connecting does not take forever")
    func timeout() async throws {
        var limits = StreamLimits()
        limits.connecting = .milliseconds(300)
        let box = try await Station.open(limits: limits)
        // A listener whose queue is full answers no SYN.
        let (full, address) = try Self.listener()
        defer { Glibc.close(full) }
        let fillers = (0..<3).map { _ in RawConnection(to: address, waits: false) }
        try await Task.sleep(for: .milliseconds(50))
        let begin = MonotonicTime.now()
        box.transport.send(Station.bytes("waits"), to: SIPPeer(.tcp, address))
        #expect(await eventually { box.unreachable.map(\.0) == [SIPPeer(.tcp, address)] })
        #expect(MonotonicTime.now() - begin < .seconds(2))
        #expect(fillers.count == 3)
        await box.close()
    }

    @Test("A provider that answers pings and stops is given up, one that never did is not")
    func keepAlive() async throws {
        var limits = StreamLimits()
        limits.ping = .milliseconds(100)
        limits.pong = .milliseconds(200)
        let box = try await Station.open(limits: limits)
        let (deaf, address) = try Self.listener()
        defer { Glibc.close(deaf) }
        let provider = SIPPeer(.tcp, address)
        box.transport.send(Station.bytes("hello"), to: provider)
        var connection: CInt = -1
        #expect(
            await eventually {
                connection = accept(deaf, nil, nil)
                return connection >= 0
            })
        defer { Glibc.close(connection) }
        var heard = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        #expect(
            await eventually {
                let count = recv(connection, &buffer, buffer.count, CInt(MSG_DONTWAIT))
                heard += String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
                return heard.hasSuffix("\r\n\r\n\r\n\r\n\r\n\r\n")
            })
        #expect(box.lost.isEmpty)
        Glibc.send(connection, "\r\n", 2, 0)
        #expect(await eventually { box.lost == [provider] })
        await box.close()
    }

    @Test(
        "A request of more than 1300 bytes goes by TCP, its CANCEL and ACK with it; repetitions go once",
        arguments: [false, true])
    func large(isLate: Bool) async throws {
        let box = try await Station.open(answers: false)
        let provider = try await Station.open(answers: false)
        let peer = SIPPeer(provider.address)
        let invite = Station.bytes("big", "INVITE", over: .udp, body: 1_400)
        for _ in 0..<3 { box.transport.send(invite, to: peer) }
        if isLate { _ = await provider.heard("big") }
        box.transport.send(Station.bytes("cancel", "CANCEL", over: .udp, branch: "big"), to: peer.address)
        box.transport.send(Station.bytes("small", over: .udp), to: peer)
        #expect(await eventually { provider.messages.count >= 3 })
        let heard = Dictionary(provider.messages.map { ($0.0.headers.callID ?? "", $0) }) { first, _ in first }
        #expect(heard["big"]?.1.transport == .tcp && heard["big"]?.0.headers.topVia?.transport == "TCP")
        #expect(heard["cancel"]?.1.transport == .tcp && heard["cancel"]?.0.headers.topVia?.transport == "TCP")
        #expect(heard["small"]?.1.transport == .udp && heard["small"]?.0.headers.topVia?.transport == "UDP")
        try await Task.sleep(for: .milliseconds(50))
        #expect(provider.callIDs.count == 3)
        await box.close()
        await provider.close()
    }

    @Test("A large request goes by UDP after all when TCP is refused")
    func largeWithoutTCP() async throws {
        let box = try await Station.open(answers: false)
        // UDP alone: a socket that nobody reads through the transport.
        let deaf = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        defer { Glibc.close(deaf) }
        var (storage, length) = Station.loopback.socketAddress()
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(deaf, $0, length)
                getsockname(deaf, $0, &length)
            }
        }
        let address = try #require(NetworkAddress(storage))
        let invite = Station.bytes("big", "INVITE", over: .udp, body: 1_400)
        box.transport.send(invite, to: SIPPeer(address))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var count = 0
        #expect(
            await eventually {
                count = recv(deaf, &buffer, buffer.count, CInt(MSG_DONTWAIT))
                return count > 0
            })
        #expect(String(decoding: buffer[..<max(count, 0)], as: UTF8.self).contains("SIP/2.0/UDP"))
        // Its repetition goes the same way, at once.
        box.transport.send(invite, to: SIPPeer(address))
        #expect(await eventually { recv(deaf, &buffer, buffer.count, CInt(MSG_DONTWAIT)) > 1_300 })
        #expect(box.unreachable.isEmpty)
        await box.close()
    }
}
