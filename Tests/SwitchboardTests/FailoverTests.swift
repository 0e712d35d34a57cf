import Call
import Control
import NameServer
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: another server, another account, when one fails", .serialized)
struct FailoverTests {
    private func call(
        _ box: Box, _ page: ConnectionIdentifier, _ number: String = "100"
    ) async throws -> CallIdentifier {
        let reply = await box.switchboard.handle(.start(connection: page, to: Redacted(number), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        return call
    }

    private func isActive(_ call: CallIdentifier, _ box: Box) async -> Bool {
        await box.switchboard.calls[call]?.call.publicState == .active
    }

    @Test("The provider is found by SRV, its name stays in the request, and one server is kept to")
    func found() async throws {
        let field = try await TwoServers()
        let box = try await field.open()
        #expect(field.first.count(.register) == 1 && field.second.count(.register) == 0)
        #expect(field.first.request(.register)?.uri.sip?.host.text == "carrier.test")
        #expect(await box.switchboard.status().trunk.target == "udp:\(field.first.address)")
        let call = try await call(box, await box.page())
        try await box.wait("the answer") { await isActive(call, box) }
        #expect(field.first.request(.invite)?.uri.sip?.host.text == "carrier.test")
        let measured = await box.switchboard.status().measured["SRV"]
        #expect(measured?.grantedExpires == 300 && measured?.codecs == ["pcmu"])
        #expect(measured?.mediaSources == ["127.0.0.1"])
        // Nobody asked where the web server is.
        #expect(!field.names.asked.contains { $0.name == "carrier.test" && $0.type == 1 })
        await field.close(box)
    }

    @Test("A registrar that says 503, or whose port is closed, is left for the next", arguments: [503, -1])
    func registrar(status: Int) async throws {
        let field = try await TwoServers()
        if status > 0 { field.first.refuse(.register, with: status) } else { await field.first.transport.close() }
        let box = try await field.open()
        #expect(await box.switchboard.status().trunk.target == "udp:\(field.second.address)")
        let call = try await call(box, await box.page())
        try await box.wait("the answer") { await isActive(call, box) }
        #expect(field.second.count(.invite) == 1 && field.first.count(.invite) == 0)
        await field.close(box)
    }

    @Test("An INVITE that is answered with 503 goes to the next server, and the one after it goes there at once")
    func invite503() async throws {
        let field = try await TwoServers()
        let box = try await field.open()
        field.first.refuse(.invite, with: 503)
        let page = await box.page()
        let first = try await call(box, page)
        try await box.wait("the answer") { await isActive(first, box) }
        #expect(field.first.count(.invite) == 1 && field.second.count(.invite) == 1)
        try await box.wait("the ACK of the 503") { field.first.request(.ack) != nil }
        #expect(box.trunks(dialledFor: first) == ["SRV", "SRV"])
        #expect(await box.switchboard.handle(.end(connection: page, call: first)) == .done)
        try await box.wait("BYE") { field.second.request(.bye) != nil }
        #expect(field.first.request(.bye) == nil)
        let second = try await call(box, page)
        try await box.wait("the answer") { await isActive(second, box) }
        #expect(field.first.count(.invite) == 1 && field.second.count(.invite) == 2)
        await field.close(box)
    }

    @Test("A 503 keeps a server out of use for as long as its Retry-After says", arguments: [nil, 5, 600, 100_000])
    func retryAfter(seconds: Int?) async throws {
        let field = try await TwoServers()
        let box = try await field.open()
        field.first.refuse(.invite, with: 503, retryAfter: seconds)
        let began = MonotonicTime.now()
        let call = try await call(box, await box.page())
        try await box.wait("the answer") { await isActive(call, box) }
        // Without one a minute; nobody is believed for more than an hour.
        let expected = Duration.seconds(min(seconds ?? 60, 3600))
        let ended = MonotonicTime.now()
        #expect(await !box.switchboard.isInUse(field.first, of: "SRV", at: began + (expected - .milliseconds(1))))
        #expect(await box.switchboard.isInUse(field.first, of: "SRV", at: ended + expected))
        #expect(await box.switchboard.isInUse(field.second, of: "SRV", at: ended))
        await field.close(box)
    }

    @Test("An account whose last server wants to be left alone gets no calls while another account takes them")
    func wholeTrunk() async throws {
        let field = try await TwoServers()
        let box = try await field.open(
            TwoServers.direct("Busy", field.first) + TwoServers.direct("Spare", field.second, "priority = 2"))
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy { $0.state == .registered } }
        field.first.refuse(.invite, with: 503, retryAfter: 600)
        let page = await box.page()
        for _ in 0..<2 {
            let call = try await call(box, page)
            try await box.wait("the answer") { await isActive(call, box) }
            #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        }
        #expect(field.first.count(.invite) == 1 && field.second.count(.invite) == 2)
        // Where nobody else is left it is asked after all: a call that is not tried is lost for certain.
        field.second.refuse(.invite, with: 503, retryAfter: 700)
        let last = try await call(box, page)
        try await box.wait("the end") { box.end(of: last, on: page) == .providerOverloaded }
        #expect(field.first.count(.invite) == 2 && field.second.count(.invite) == 3)
        await field.close(box)
    }

    @Test("A server that does not answer an INVITE is not waited for where there is another")
    func silence() async throws {
        let field = try await TwoServers()
        let box = try await field.open()
        field.first.refuse(.invite, with: 0)
        let began = MonotonicTime.now()
        let call = try await call(box, await box.page())
        try await box.wait("the answer", for: .seconds(9)) { await isActive(call, box) }
        #expect(MonotonicTime.now() - began >= .seconds(4))
        #expect(field.first.count(.invite) == 1 && field.second.count(.invite) == 1)
        await field.close(box)
    }

    @Test("When both servers refuse the call it goes by the next account, whose number formats and codecs hold then")
    func nextTrunk() async throws {
        let field = try await TwoServers()
        let third = try await ScriptedProvider.open()
        third.answersCalls.store(true, ordering: .relaxed)
        let box = try await field.open(
            TwoServers.trunk
                + TwoServers.direct(
                    "Spare", third,
                    """
                    register = false
                    priority = 2
                    codecs = ["pcmu"]
                    number = "+4312345678"
                    number_format = "national-or-idd"
                    """, user: "spare"))
        try await box.wait("both") { await box.switchboard.status().trunks.map(\.state) == [.registered, .ready] }
        for provider in [field.first, field.second] { provider.refuse(.invite, with: 503) }
        let call = try await call(box, await box.page(), "+493023125000")
        try await box.wait("the answer") { await isActive(call, box) }
        #expect(third.request(.register) == nil)
        let invite = try #require(third.request(.invite))
        // As one dials Germany from Austria, where this account's number belongs to.
        #expect(invite.uri.sip?.user == "00493023125000")
        #expect(String(decoding: invite.body, as: UTF8.self).contains("RTP/AVP 0 101\r\n"))
        #expect(box.trunks(dialledFor: call) == ["SRV", "SRV", "Spare"])
        #expect(await box.switchboard.status().list.map(\.trunk) == ["Spare"])
        await field.close(box)
        await third.transport.close()
    }

    @Test("What the callee says is not asked of another provider; no way left ends the call with its reason")
    func finalAnswers() async throws {
        let field = try await TwoServers()
        let box = try await field.open()
        let page = await box.page()
        field.first.refuse(.invite, with: 486)
        let busy = try await call(box, page)
        try await box.wait("busy") { box.end(of: busy, on: page) == .busy }
        #expect(field.second.count(.invite) == 0)
        for provider in [field.first, field.second] { provider.refuse(.invite, with: 503) }
        let refused = try await call(box, page)
        try await box.wait("the end") { box.end(of: refused, on: page) == .providerOverloaded }
        #expect(field.first.count(.invite) == 2 && field.second.count(.invite) == 1)
        try await box.expectNothingLeft()
        await field.close(box)
    }

    @Test("Of two accounts at one host a call rings for the one it is addressed to; the status has both")
    func inbound() async throws {
        let field = try await TwoServers()
        let box = try await field.open(
            TwoServers.direct("One", field.first, user: "bob") + TwoServers.direct("Two", field.first))
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy(\.isUsable) }
        #expect(await box.switchboard.status().trunks.map(\.name) == ["One", "Two"])
        let call = try await box.ring(await box.page())
        #expect(await box.switchboard.calls[call]?.trunk == "Two")
        await field.close(box)
    }

    @Test("One account comes, another changes, a third goes, and the rest is not touched")
    func reload() async throws {
        let field = try await TwoServers()
        let both = TwoServers.direct("One", field.first) + TwoServers.direct("Two", field.second)
        let box = try await field.open(both)
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy { $0.state == .registered } }
        let before = field.first.count(.register)
        #expect(await box.switchboard.apply(try TwoServers.settings(TwoServers.direct("One", field.first))) == [])
        try await box.wait("the removal") { field.second.request(.register)?.headers.expires == 0 }
        #expect(await box.switchboard.status().trunks.map(\.name) == ["One"])
        let three = try TwoServers.settings(TwoServers.direct("Three", field.second) + both)
        #expect(await box.switchboard.apply(three) == [])
        try await box.wait("three") {
            await box.switchboard.status().trunks.map(\.state) == [.registered, .registered, .registered]
        }
        #expect(field.first.count(.register) == before)
        await field.close(box)
    }

    @Test("When the records change their targets the registration follows; when they vanish the last ones stay")
    func renewal() async throws {
        let field = try await TwoServers()
        field.names.set(ttl: 1)
        let box = try await field.open()
        #expect(await box.switchboard.status().trunk.target == "udp:\(field.first.address)")
        field.names.set(
            "_sip._udp.carrier.test",
            .srv(priority: 1, weight: 0, port: field.second.address.port, target: "b.carrier.test"))
        await box.switchboard.letRecordsExpire()
        try await box.wait("the other server") {
            await box.switchboard.status().trunk.target == "udp:\(field.second.address)"
                && field.second.count(.register) > 0
        }
        field.names.set("_sip._udp.carrier.test")
        field.names.forgetAsked()
        await box.switchboard.letRecordsExpire()
        try await box.wait("the question") { field.names.asked.contains { $0.type == 33 } }
        try await Task.sleep(for: .milliseconds(100))
        #expect(!field.names.asked.contains { $0.name == "carrier.test" })
        #expect(await box.switchboard.status().trunk.target == "udp:\(field.second.address)")
        #expect(await box.switchboard.status().trunk.state == .registered)
        await field.close(box)
    }

    @Test("A name that leads nowhere is said so, and found as soon as it leads somewhere")
    func unknown() async throws {
        let field = try await TwoServers()
        let box = try await field.open(TwoServers.direct("One", field.first))
        let gone = try TwoServers.settings(TwoServers.trunk.replacing("carrier.test", with: "gone.test"))
        #expect(await box.switchboard.apply(gone) == [])
        try await box.wait("the failure") {
            await box.switchboard.status().trunk.problem?.code == "sip.name-unknown"
        }
        field.names.set(
            "_sip._udp.gone.test",
            .srv(priority: 1, weight: 0, port: field.first.address.port, target: "a.carrier.test"))
        // As when the network comes back.
        await box.switchboard.networkChanged()
        try await box.wait("registered") { await box.switchboard.status().trunk.state == .registered }
        await field.close(box)
    }
}

extension Switchboard {
    fileprivate func isInUse(_ provider: ScriptedProvider, of name: String, at time: MonotonicTime) -> Bool {
        line(name)?.isInGoodStanding(SIPPeer(provider.address), at: time) == true
    }

    /// As if a minute had passed for the DNS.
    fileprivate func letRecordsExpire() {
        lookUpWhatIsDue(now: .now() + .seconds(60))
        schedule()
    }
}
