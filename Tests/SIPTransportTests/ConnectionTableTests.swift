import Testing
import Wire

@testable import SIPTransport

@Suite("Which inbound connection gives way")
struct ConnectionTableTests {
    private static func table(_ connections: Int, perSource: Int) -> ConnectionTable {
        var limits = StreamLimits()
        limits.connections = connections
        limits.connectionsPerSource = perSource
        return ConnectionTable(limits)
    }

    private static func host(_ number: UInt32) -> NetworkAddress.Host { .ipv4(0xc000_0200 + number) }

    @Test("The oldest that never spoke goes first, then the one that was silent for the longest time")
    func order() {
        var table = Self.table(3, perSource: 3)
        for number in 1...3 {
            #expect(table.admit(number, from: Self.host(UInt32(number))) == .admitted)
        }
        table.spoke(1)
        table.spoke(2)
        #expect(table.admit(4, from: Self.host(4)) == .inPlace(of: 3))
        table.spoke(4)
        table.spoke(1)
        #expect(table.admit(5, from: Self.host(5)) == .inPlace(of: 2))
        #expect(table.count == 3)
    }

    @Test("One source, an address or 64 bits of IPv6, takes only its own places")
    func sources() {
        var table = Self.table(100, perSource: 2)
        #expect(table.admit(1, from: Self.host(1)) == .admitted)
        #expect(table.admit(2, from: Self.host(2)) == .admitted)
        #expect(table.admit(3, from: Self.host(2)) == .admitted)
        #expect(table.admit(4, from: Self.host(2)) == .inPlace(of: 2))
        for number in 5...6 {
            #expect(table.admit(number, from: .ipv6(high: 7, low: UInt64(number))) == .admitted)
        }
        #expect(table.admit(7, from: .ipv6(high: 7, low: 99)) != .admitted)
        #expect(table.admit(8, from: .ipv6(high: 8, low: 5)) == .admitted)
        table.closed(3)
        table.closed(3)
        #expect(table.admit(9, from: Self.host(2)) == .admitted)
    }

    @Test("A provider's connections give way to nobody, and always find a place")
    func trusted() {
        var table = Self.table(2, perSource: 1)
        table.trusted = TrustedSources(hosts: [Self.host(9)])
        #expect(table.admit(1, from: Self.host(9)) == .admitted)
        #expect(table.admit(2, from: Self.host(1)) == .admitted)
        #expect(table.admit(3, from: Self.host(9)) == .inPlace(of: 2))
        #expect(table.admit(4, from: Self.host(2)) == .refused)
        #expect(table.exhausted() == [])
        table.closed(1)
        #expect(table.admit(5, from: Self.host(2)) == .admitted)
        #expect(table.count == 2)
    }

    @Test("What comes from a provider's further networks is a provider's as well")
    func networks() throws {
        var table = Self.table(2, perSource: 1)
        table.trusted = TrustedSources(networks: [try #require(AddressBlock("192.0.2.8/30"))])
        #expect(table.admit(1, from: Self.host(9)) == .admitted)
        #expect(table.admit(2, from: Self.host(9)) == .admitted)
        #expect(table.admit(3, from: Self.host(9)) == .refused)
        #expect(table.admit(4, from: Self.host(12)) == .refused)
    }

    @Test("Without descriptors the oldest go, and fewer stand until that is over")
    func exhaustion() {
        var table = Self.table(200, perSource: 200)
        for number in 0..<100 { #expect(table.admit(number, from: Self.host(1)) == .admitted) }
        #expect(table.exhausted() == Array(0..<32))
        #expect(table.admit(100, from: Self.host(2)) == .inPlace(of: 32))
        table.recovered()
        #expect(table.admit(101, from: Self.host(2)) == .admitted)
        #expect(table.count == 69)
    }
}

@Suite("RFC 5626 §4.4.1 what must happen in time on a connection")
struct StreamDeadlineTests {
    private static func at(_ seconds: Int64) -> MonotonicTime { .zero + .seconds(seconds) }

    @Test("A message must be whole in time, whatever drips in; pings count only after the first message")
    func message() {
        var deadlines = StreamDeadlines(StreamLimits(), isInbound: true, isTrusted: false)
        deadlines.opened(now: Self.at(0), jitter: 1)
        deadlines.received(isInsideMessage: true, completed: false, pongs: false, now: Self.at(4))
        deadlines.received(isInsideMessage: false, completed: false, pongs: true, now: Self.at(8))
        #expect(deadlines.next == Self.at(10))
        deadlines.received(isInsideMessage: false, completed: true, pongs: false, now: Self.at(9))
        #expect(deadlines.next == Self.at(189))
        deadlines.received(isInsideMessage: true, completed: false, pongs: false, now: Self.at(20))
        deadlines.received(isInsideMessage: true, completed: false, pongs: false, now: Self.at(29))
        #expect(deadlines.popDue(at: Self.at(29)) == nil)
        #expect(deadlines.popDue(at: Self.at(30)) == .message)
    }

    @Test("An outbound connection pings, and is dead without a pong if the server knows pongs")
    func ping() {
        var deadlines = StreamDeadlines(StreamLimits(), isInbound: false, isTrusted: true)
        deadlines.connected(now: Self.at(0))
        #expect(deadlines.next == Self.at(10))
        deadlines.opened(now: Self.at(1), jitter: 0.8)
        #expect(deadlines.next == Self.at(21))
        #expect(deadlines.popDue(at: Self.at(21)) == .ping)
        deadlines.pinged(now: Self.at(21), jitter: 1)
        // It never answered one: it may not know them.
        #expect(deadlines.popDue(at: Self.at(45)) == nil)
        #expect(deadlines.popDue(at: Self.at(46)) == .ping)
        deadlines.pinged(now: Self.at(46), jitter: 1)
        deadlines.received(isInsideMessage: false, completed: false, pongs: true, now: Self.at(47))
        #expect(deadlines.popDue(at: Self.at(71)) == .ping)
        deadlines.pinged(now: Self.at(71), jitter: 1)
        #expect(deadlines.popDue(at: Self.at(80)) == nil)
        #expect(deadlines.popDue(at: Self.at(81)) == .pong)
    }
}
