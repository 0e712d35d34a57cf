import Glibc
import Testing
import Wire

@testable import WebAPI

@Suite("The watchdog's question to the listener", .timeLimit(.minutes(5)))
struct ProbeTests {
    @Test("It is answered in the clear and over TLS", arguments: [true, false])
    func answered(isSecure: Bool) async throws {
        try await withBox(handed: isSecure ? HandedSockets(https: [try listeningSocket()]) : HandedSockets()) { box in
            for _ in 0..<5 { #expect(await box.server.probeListener() == nil) }
            #expect(await box.server.probeHub() == nil)
        }
    }

    @Test("Hundreds of clients that say nothing, or half a request, do not stand in its way", arguments: [true, false])
    func slowClients(isSecure: Bool) async throws {
        var limits = WebLimits()
        limits.connections = 150
        limits.connectionsOfSource = 120
        limits.firstHeader = .seconds(60)
        let handed = isSecure ? HandedSockets(https: [try listeningSocket()]) : HandedSockets()
        try await withBox(limits: limits, handed: handed) { box in
            var slow: [RawClient] = []
            for number in 0..<400 {
                let client = try await RawClient(port: box.port)
                if number.isMultiple(of: 2) { try? await client.send("GET / HTTP/1.1\r\nX-Slow: ") }
                slow.append(client)
            }
            // The house is full: a browser is turned away.
            let late = try await RawClient(port: box.port, tls: isSecure ? trusting() : nil)
            await #expect(throws: (any Error).self) { try await late.request("GET", "/") }
            for _ in 0..<5 {
                let begin = ContinuousClock.now
                #expect(await box.server.probeListener() == nil)
                #expect(ContinuousClock.now - begin < .seconds(2))
            }
            withExtendedLifetime(slow) {}
        }
    }

    @Test("A listener that is gone is an answer, not silence")
    func gone() async throws {
        let roll = ConnectionRoll(limits: WebLimits())
        let probe = ListenerProbe(roll: roll)
        #expect(await probe.run() == nil)
        let socket = try listeningSocket()
        close(socket.descriptor)
        probe.serves(at: WebPlace(isSecure: false, address: try #require(socket.address)))
        #expect(await probe.run()?.code == "web.does-not-serve")
    }
}
