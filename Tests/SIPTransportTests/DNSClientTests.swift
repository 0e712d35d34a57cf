import NameServer
import SIP
import Testing
import Wire

@testable import SIPTransport

@Suite("The DNS, asked by the system's resolver library")
struct DNSClientTests {
    private let server = NameServer()

    private var client: DNSClient {
        DNSClient(server: NetworkAddress(host: .ipv4(0x7f00_0001), port: server.port))
    }

    @Test("NAPTR, SRV, A and AAAA arrive with the smallest TTL")
    func records() async {
        defer { server.close() }
        server.set(ttl: 77)
        server.set(
            "example.test",
            .naptr(order: 10, preference: 20, flags: "s", service: "SIP+D2T", replacement: "_sip._tcp.example.test"))
        server.set("_sip._tcp.example.test", .srv(priority: 1, weight: 2, port: 5070, target: "A.Example.test"))
        let six: [UInt8] = [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        server.set("a.example.test", .a(0xc000_0201), .aaaa(six))
        let naptr = NAPTRRecord(
            order: 10, preference: 20, flags: "s", service: "SIP+D2T", replacement: "_sip._tcp.example.test")
        #expect(await client.ask(.naptr("Example.test")) == .init(.naptr([naptr]), for: .seconds(77)))
        let srv = SRVRecord(priority: 1, weight: 2, port: 5070, target: "a.example.test")
        #expect(await client.ask(.srv("_sip._tcp.example.test")) == .init(.srv([srv]), for: .seconds(77)))
        let hosts: [NetworkAddress.Host] = [.ipv4(0xc000_0201), .ipv6(high: 0x2001_0db8_0000_0000, low: 1)]
        #expect(await client.ask(.addresses("a.example.test")) == .init(.addresses(hosts), for: .seconds(77)))
    }

    @Test("What does not exist is told apart from what nobody said")
    func absence() async {
        defer { server.close() }
        server.set(ttl: 33)
        server.set("only-text.test", .srv(priority: 0, weight: 0, port: 1, target: "."))
        server.fail("broken.test", rcode: 2)
        #expect(await client.ask(.addresses("nowhere.test")) == .init(.nothing, for: .seconds(33)))
        #expect(await client.ask(.addresses("only-text.test")) == .init(.nothing, for: .seconds(33)))
        #expect(await client.ask(.srv("broken.test")).answer == .failed)
        let none = SRVRecord(priority: 0, weight: 0, port: 1, target: ".")
        #expect(await client.ask(.srv("only-text.test")).answer == .srv([none]))
    }

    @Test("Who is asked for too much, too long, or waited for no more, says so at once")
    func limits() async throws {
        defer { server.close() }
        server.setSilent(true)
        let began = MonotonicTime.now()
        let impatient = DNSClient(
            server: NetworkAddress(host: .ipv4(0x7f00_0001), port: server.port), deadline: .milliseconds(200))
        #expect(await impatient.ask(.srv("silent.test")).answer == .failed)
        // Two tries of two seconds are what the library would have waited for.
        #expect(MonotonicTime.now() - began < .milliseconds(3900))
        let client = client
        let waiting = Task { await client.ask(.srv("silent.test")) }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        #expect(await waiting.value.answer == .failed)
        let many = (0..<DNSClient.limit).map { number in
            Task { await client.ask(.srv("silent\(number).test")) }
        }
        try await Task.sleep(for: .milliseconds(200))
        let last = MonotonicTime.now()
        #expect(await client.ask(.srv("one-more.test")).answer == .failed)
        #expect(MonotonicTime.now() - last < .seconds(2))
        for task in many { task.cancel() }
    }

    @Test("A provider is found through NAPTR, SRV and a CNAME")
    func targets() async throws {
        defer { server.close() }
        server.set(
            "example.test",
            .naptr(order: 1, preference: 1, flags: "S", service: "SIP+D2U", replacement: "_sip._udp.example.test"))
        server.set(
            "_sip._udp.example.test", .srv(priority: 2, weight: 0, port: 5080, target: "b.example.test"),
            .srv(priority: 1, weight: 0, port: 5070, target: "a.example.test"))
        server.set("a.example.test", .a(0xc000_0201))
        server.set("b.example.test", .a(0xc000_0202))
        let found = try await client.targets(of: "example.test", port: nil, transports: [.udp, .tcp, .tls])
        #expect(found.map { "\($0.transport) \($0.address)" } == ["udp 192.0.2.1:5070", "udp 192.0.2.2:5080"])
        let problem = await #expect(throws: Problem.self) {
            try await client.targets(of: "nowhere.test", port: nil, transports: [.udp])
        }
        #expect(problem?.code == "sip.name-unknown")
    }

    @Test("The owner's hosts file is read as hosts(5) says")
    func hostsFile() {
        let file = HostsFile(
            text: "# x\n127.0.0.1 localhost\n192.0.2.9\tpbx.example PBX # 192.0.2.1 pbx\n::1 pbx\nbad pbx")
        #expect(file.addresses(of: "pbx") == [.ipv4(0xc000_0209), .ipv6(high: 0, low: 1)])
        #expect(file.addresses(of: "PBX.Example") == [.ipv4(0xc000_0209)])
        #expect(file.addresses(of: "other").isEmpty)
    }
}

@Suite("DNS messages that a stranger wrote")
struct DNSReplyTests {
    /// A head with one question `a.test`, type A.
    private static func message(answers: UInt8 = 1, flags: [UInt8] = [0x84, 0], _ rest: [UInt8]) -> [UInt8] {
        [0, 1] + flags + [0, 1, 0, answers, 0, 0, 0, 0] + question + rest
    }

    private static let question: [UInt8] = [1, 0x61, 4, 0x74, 0x65, 0x73, 0x74, 0, 0, 1, 0, 1]
    private static let record: [UInt8] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]

    private func read(_ bytes: [UInt8]) throws -> DNSReply { try DNSReply(bytes, to: "a.test", type: .a) }

    @Test("One that is in order is read")
    func good() throws {
        let reply = try read(Self.message(Self.record))
        #expect(reply.records == [.host(.ipv4(0xc000_0201))])
        #expect(reply.lifetime == 9)
    }

    @Test(
        "Names that go round in circles, point forwards or never end are refused",
        arguments: [
            [0xc0, 24, 0, 1], [0xc0, 0xff], [0xc1, 0], [0x40, 1], [0x80], [3, 0x61], [1, 0x2e, 0],
            [1, 0x61, 0xc0, 24, 0, 1, 0, 1], [63] + [UInt8](repeating: 0x61, count: 63),
        ] as [[UInt8]])
    func names(rest: [UInt8]) {
        #expect(throws: DNSMessageError.self) { try read(Self.message(rest)) }
    }

    @Test("Another question's answer, one that was cut short, and a refusal are no answers")
    func others() throws {
        #expect(throws: DNSMessageError.otherQuestion) {
            try DNSReply(Self.message(Self.record), to: "b.test", type: .a)
        }
        #expect(throws: DNSMessageError.otherQuestion) {
            try DNSReply(Self.message(Self.record), to: "a.test", type: .srv)
        }
        #expect(throws: DNSMessageError.otherQuestion) { try read(Self.message(flags: [0x04, 0], Self.record)) }
        #expect(try read(Self.message(flags: [0x86, 0], Self.record)).isFailure)
        #expect(try read(Self.message(flags: [0x84, 5], Self.record)).isFailure)
        // A record of somebody else's name counts for nothing.
        let foreign: [UInt8] = [1, 0x62, 0] + Self.record.dropFirst(2)
        #expect(try read(Self.message(foreign)).records.isEmpty)
    }

    @Test("Every beginning of a message, and every byte changed, ends in an error or an answer, never worse")
    func mutations() {
        let whole = Self.message(answers: 2, Self.record + Self.record)
        for end in 0..<whole.count { #expect(throws: (any Error).self) { try read(Array(whole[..<end])) } }
        for index in whole.indices {
            for value: UInt8 in [0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xff] {
                var bytes = whole
                bytes[index] = value
                _ = try? read(bytes)
                for type in [DNSRecordType.srv, .naptr, .aaaa] { _ = try? DNSReply(bytes, to: "a.test", type: type) }
            }
        }
    }
}
