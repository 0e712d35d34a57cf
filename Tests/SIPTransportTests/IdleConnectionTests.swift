import Glibc
import SIPTransport
import Testing
import Wire

/// How fast, beside the real box's other work, is measured by `packaging/check sip-idle`.
@Suite("Connections that say nothing", .serialized)
struct IdleConnectionTests {
    /// Raises what this process may open, as far as it is allowed to.
    private static func allowDescriptors() -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// From fifty addresses, 127.0.1.1 and on.
    private static func idle(_ count: Int, to box: Station) async -> [RawConnection] {
        var all: [RawConnection] = []
        for number in 0..<count {
            if let one = RawConnection(to: box.address, from: .ipv4(0x7f00_0101 + UInt32(number % 50))) {
                all.append(one)
            }
            if number % 16 == 0 { await Task.yield() }
        }
        return all
    }

    @Test("With 5,000 of them a new one is served, and one that spoke keeps its place")
    func fiveThousand() async throws {
        try #require(Self.allowDescriptors() > 12_000)
        var limits = StreamLimits()
        limits.message = .seconds(60)
        let box = try await Station.open(limits: limits)
        let earlier = try #require(RawConnection(to: box.address))
        earlier.send(Station.text("earlier"))
        #expect(await earlier.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("SIP/2.0 200"))
        let crowd = await Self.idle(5_000, to: box)
        #expect(crowd.count == 5_000)
        let client = try #require(RawConnection(to: box.address))
        client.send(Station.text("late"))
        #expect(await client.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("SIP/2.0 200"))
        earlier.send(Station.text("still"))
        #expect(await earlier.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("SIP/2.0 200"))
        #expect(await box.transport.connectionCount() <= limits.connections)
        await box.close()
    }

    @Test("Without a limit that bites, 5,000 stand and a new one is served")
    func allStanding() async throws {
        try #require(Self.allowDescriptors() > 12_000)
        var limits = StreamLimits()
        limits.message = .seconds(60)
        limits.connections = 6_000
        limits.connectionsPerSource = 1_000
        let box = try await Station.open(limits: limits)
        let crowd = await Self.idle(5_000, to: box)
        #expect(await eventually(within: .seconds(20)) { await box.transport.connectionCount() == 5_000 })
        let client = try #require(RawConnection(to: box.address))
        client.send(Station.text("late"))
        #expect(await client.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("SIP/2.0 200"))
        #expect(crowd.count == 5_000)
        await box.close()
    }

    @Test("The first of them are closed when their time is over")
    func closed() async throws {
        var limits = StreamLimits()
        limits.message = .milliseconds(200)
        let box = try await Station.open(limits: limits)
        let crowd = await Self.idle(500, to: box)
        #expect(crowd.count == 500)
        #expect(await eventually { await box.transport.connectionCount() == 0 })
        await box.close()
    }
}
