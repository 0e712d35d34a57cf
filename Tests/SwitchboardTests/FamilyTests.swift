import Call
import Control
import NameServer
import SDP
import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: IPv4 and IPv6 at once", .serialized)
struct FamilyTests {
    /// One provider whose server has an address of each family, at one port.
    private struct Field {
        let names = NameServer()
        let four: ScriptedProvider
        let six: ScriptedProvider

        init() async throws {
            four = try await .open()
            let port = four.address.port
            six = try await .open(at: NetworkAddress(host: .ipv6(high: 0, low: 1), port: port))
            names.set(ttl: 300)
            names.set("_sip._udp.carrier.test", .srv(priority: 1, weight: 0, port: port, target: "both.carrier.test"))
            names.set("both.carrier.test", .a(0x7f00_0001), .aaaa([UInt8](repeating: 0, count: 15) + [1]))
            for provider in [four, six] { provider.answersCalls.store(true, ordering: .relaxed) }
        }

        func open(_ listen: String) async throws -> Box {
            let resolver = DNSClient(server: NetworkAddress(host: .ipv4(0x7f00_0001), port: names.port))
            return try await Box.open(
                TwoServers.settings(TwoServers.trunk, listen: listen), four, resolver: resolver)
        }

        func close(_ box: Box) async {
            await box.close()
            await six.transport.close()
            names.close()
        }
    }

    private static let fourFirst = "[\"127.0.0.1:0\", \"[::1]:0\"]"
    private static let sixFirst = "[\"[::1]:0\", \"127.0.0.1:0\"]"

    private func call(_ box: Box, _ page: ConnectionIdentifier) async throws -> CallIdentifier {
        let reply = await box.switchboard.handle(.start(connection: page, to: Redacted("100"), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        try await box.wait("the answer") { await box.switchboard.calls[call]?.call.publicState == .active }
        return call
    }

    /// Via, Contact and SDP of a request that came over this family all name it.
    private func expect(_ request: SIPRequest?, _ box: Box, _ family: AddressFamily) throws {
        let request = try #require(request)
        let own = try #require(box.transport.localAddress(of: family))
        #expect(request.headers.topVia.flatMap { $0.host.address } == own.host)
        #expect(request.headers.contact?.uri.sip?.numericAddress == own)
        guard !request.body.isEmpty else { return }
        #expect(try SessionDescription(request.body).voiceAddress?.host == own.host)
    }

    @Test(
        "The family that stands first is used, with addresses of its own in Via, Contact and SDP",
        arguments: [
            (fourFirst, AddressFamily.ipv4), (sixFirst, .ipv6),
        ])
    func preferred(listen: String, family: AddressFamily) async throws {
        let field = try await Field()
        let box = try await field.open(listen)
        let (used, other) = family == .ipv4 ? (field.four, field.six) : (field.six, field.four)
        _ = try await call(box, await box.page())
        try expect(used.request(.register), box, family)
        try expect(used.request(.invite), box, family)
        #expect(other.requests.isEmpty)
        await field.close(box)
    }

    @Test("A registrar that is dead over one family is reached over the other", arguments: [fourFirst, sixFirst])
    func deadRegistrar(listen: String) async throws {
        let field = try await Field()
        let isFourDead = listen == Self.fourFirst
        await (isFourDead ? field.four : field.six).transport.close()
        let box = try await field.open(listen)
        let alive = isFourDead ? field.six : field.four
        #expect(await box.switchboard.status().trunk.target == "udp:\(alive.address)")
        _ = try await call(box, await box.page())
        try expect(alive.request(.invite), box, isFourDead ? .ipv6 : .ipv4)
        await field.close(box)
    }

    @Test(
        "A call that one family refuses goes on over the other, with sound of its own there",
        arguments: [
            fourFirst, sixFirst,
        ])
    func callGoesOn(listen: String) async throws {
        let field = try await Field()
        let box = try await field.open(listen)
        let isFourFirst = listen == Self.fourFirst
        let (first, second) = isFourFirst ? (field.four, field.six) : (field.six, field.four)
        first.refuse(.invite, with: 503)
        let page = await box.page()
        let call = try await call(box, page)
        try expect(first.request(.invite), box, isFourFirst ? .ipv4 : .ipv6)
        try expect(second.request(.invite), box, isFourFirst ? .ipv6 : .ipv4)
        #expect(await box.switchboard.status().mediaSockets == 3)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("BYE") { second.request(.bye) != nil }
        try await box.expectNothingLeft()
        await field.close(box)
    }

    @Test("A call over the family that the registration does not go by is answered with addresses of its own")
    func comesIn() async throws {
        let field = try await Field()
        let box = try await field.open(Self.fourFirst)
        let own = try #require(box.transport.localAddress(of: .ipv6))
        let page = await box.page()
        field.six.call(own)
        try await box.wait("ringing") { box.incoming(page) != nil }
        let call = try #require(box.incoming(page))
        #expect(await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer)).isMedia)
        #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
        try await box.wait("the 200") { field.six.finalStatus == 200 }
        let success = try #require(field.six.responses.last { $0.status == 200 && !$0.body.isEmpty })
        #expect(success.headers.contact?.uri.sip?.numericAddress == own)
        #expect(try SessionDescription(success.body).voiceAddress?.host == own.host)
        field.six.acknowledge()
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("BYE") { field.six.request(.bye) != nil }
        #expect(field.six.request(.bye)?.headers.topVia?.host.address == own.host)
        #expect(field.four.request(.bye) == nil)
        await field.close(box)
    }

    @Test("Two accounts are registered at the same time, one over each family")
    func twoAccounts() async throws {
        let field = try await Field()
        let settings = try TwoServers.settings(
            TwoServers.direct("Four", field.four) + TwoServers.direct("Six", field.six, "priority = 2"),
            listen: Self.fourFirst)
        let box = try await Box.open(settings, field.four)
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy { $0.state == .registered } }
        try expect(field.four.request(.register), box, .ipv4)
        try expect(field.six.request(.register), box, .ipv6)
        #expect(await box.switchboard.status().listens == box.transport.localAddresses)
        await field.close(box)
    }
}
