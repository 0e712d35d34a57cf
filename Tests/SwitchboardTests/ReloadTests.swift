import Call
import Control
import Media
import SIPMessage
import Settings
import Synchronization
import Testing
import Wire

@testable import SIP
@testable import SIPTransport
@testable import Switchboard

@Suite("Switchboard: another configuration, and no new calls, while calls run", .serialized)
struct ReloadTests {
    /// Calls out; the provider picks up.
    private func call(_ box: Box, _ page: ConnectionIdentifier) async throws -> CallIdentifier {
        box.provider.answersCalls.store(true, ordering: .relaxed)
        let reply = await box.switchboard.handle(.start(connection: page, to: Redacted("100"), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        try await box.wait("the answer") { await box.switchboard.calls[call]?.call.publicState == .active }
        return call
    }

    @Test("A call survives a change of the provider; its BYE goes to the former one, and new calls to the new one")
    func otherProvider() async throws {
        let box = try await Box.open()
        let next = try await ScriptedProvider.open()
        next.answersCalls.store(true, ordering: .relaxed)
        let (page, second) = (await box.page(), await box.page())
        let call = try await call(box, page)
        #expect(await box.switchboard.apply(try Box.settings(provider: next)) == [])
        try await box.wait("registration with the next") {
            await box.switchboard.status().trunk.state == .registered && next.request(.register) != nil
        }
        try await box.wait("removal at the former") { box.provider.request(.register)?.headers.expires == 0 }
        #expect(await box.switchboard.lines.first?.route?.target == SIPPeer(next.address))
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        #expect(box.end(of: call, on: page) == nil)

        guard
            case .media(let other, _) = await box.switchboard.handle(
                .start(connection: second, to: Redacted("200"), offer: Box.offer))
        else {
            Issue.record("no second call")
            return
        }
        try await box.wait("INVITE at the next") { next.request(.invite) != nil }
        #expect(box.provider.count(.invite) == 1)

        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("BYE at the former") { box.provider.request(.bye) != nil }
        #expect(next.request(.bye) == nil)
        _ = await box.switchboard.handle(.end(connection: second, call: other))
        try await box.wait("BYE at the next") { next.request(.bye) != nil }
        try await box.expectNothingLeft()
        // Its transactions linger, and the socket with them.
        #expect(await box.switchboard.retiredTargets == [SIPPeer(box.provider.address)])
        #expect(box.transport.socket(to: box.provider.address) != nil)
        await box.switchboard.letPass(.seconds(40))
        #expect(await box.switchboard.retiredTargets.isEmpty)
        #expect(box.transport.socket(to: box.provider.address) == nil)
        #expect(box.transport.socket(to: next.address) != nil)
        await box.close()
        await next.transport.close()
    }

    @Test("The former provider's hang-up still ends its call after the account was removed")
    func noProvider() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await call(box, page)
        var settings = try Box.settings(provider: box.provider)
        settings.trunk = nil
        #expect(await box.switchboard.apply(settings) == [])
        try await box.wait("no provider") { await box.switchboard.status().trunk.state == .none }
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("BYE") { box.provider.request(.bye) != nil }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A new password registers anew without a removal; the same configuration and other codecs send nothing")
    func sameProvider() async throws {
        let box = try await Box.open()
        let before = box.provider.count(.register)
        #expect(await box.switchboard.apply(try Box.settings(provider: box.provider)) == [])
        #expect(await box.switchboard.apply(try Box.settings(provider: box.provider, codecs: "\"opus\"")) == [])
        #expect(await box.switchboard.settings.trunk?.codecs == ["opus"])
        #expect(await box.switchboard.apply(try Box.settings(provider: box.provider, password: "new")) == [])
        try await box.wait("REGISTER") { box.provider.count(.register) > before }
        try await box.wait("registered") { await box.switchboard.status().trunk.state == .registered }
        #expect(box.provider.count(.register) == before + 1)
        #expect(box.provider.request(.register)?.headers.expires == 300)
        await box.close()
    }

    @Test("A listening address waits for a restart and is said so; the rest of the file holds")
    func listen() async throws {
        let box = try await Box.open()
        let wanted = try Box.settings(provider: box.provider, listen: "127.0.0.1:5999", codecs: "\"opus\"")
        for _ in 0..<2 {
            #expect(await box.switchboard.apply(wanted).map(\.code) == ["settings.needs-restart"])
        }
        #expect(await box.switchboard.settings.trunk?.codecs == ["opus"])
        #expect(await box.switchboard.settings.sip.listen.map(\.port) == [0])
        await box.close()
    }

    @Test(
        "What only the web process reads waits for its restart, is said so once, and changes nothing here",
        arguments: [
            "[web]", "[ledger]",
        ])
    func web(section: String) async throws {
        let box = try await Box.open()
        var wanted = try Box.settings(provider: box.provider)
        if section == "[web]" { wanted.web.listen.port = 8099 } else { wanted.ledger.days = 30 }
        let notices = await box.switchboard.apply(wanted)
        #expect(notices.map(\.code) == ["settings.needs-restart"])
        #expect(notices.first?.sentence.contains(section) == true)
        #expect(notices.first?.remedy.contains("systemctl restart sipcall-web") == true)
        #expect(!box.journal.says("Another configuration holds."))
        #expect(await box.switchboard.apply(wanted) == [])
        wanted.trunk?.codecs = ["opus"]
        #expect(await box.switchboard.apply(wanted) == [])
        #expect(box.journal.says("Another configuration holds."))
        await box.close()
    }

    @Test("Under another domain alone the provider's servers are still the provider's, and its further networks known")
    func otherDomain() async throws {
        let box = try await Box.open(trunk: "networks = [\"192.0.2.0/24\"]")
        let name = try #require(await box.switchboard.lines.first?.name)
        let host = box.provider.address.host
        #expect(await box.switchboard.userAgent.ways[name]?.hosts[host] == .udp)
        #expect(box.transport.counts.trusted.withLock { $0.contains(.ipv4(0xc000_0207)) && $0.contains(host) })
        var settings = await box.switchboard.settings
        settings.trunk?.domain = "other.example.net"
        #expect(await box.switchboard.apply(settings) == [])
        #expect(await box.switchboard.userAgent.trunks.first?.domain == "other.example.net")
        #expect(await box.switchboard.userAgent.ways[name]?.hosts[host] == .udp)
        await box.close()
    }

    @Test("A drained box refuses pages and callers, keeps its calls, and takes calls again")
    func drain() async throws {
        let box = try await Box.open()
        let (page, other) = (await box.page(), await box.page())
        let call = try await call(box, page)
        guard case .status(let status) = await box.switchboard.handle(.drain(true)) else {
            Issue.record("no status")
            return
        }
        #expect(status.draining && status.calls == 1)
        #expect(await box.switchboard.snapshot().draining)
        let refused = await box.switchboard.handle(.start(connection: other, to: Redacted("*43"), offer: Box.offer))
        guard case .failed(let problem) = refused else {
            Issue.record("not refused: \(refused)")
            return
        }
        #expect(problem.code == "box.draining")
        box.provider.call(box.transport.localAddress)
        try await box.wait("480") { box.provider.finalStatus == 480 }
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        _ = await box.switchboard.handle(.drain(false))
        let taken = await box.switchboard.handle(.start(connection: other, to: Redacted("*43"), offer: Box.offer))
        guard case .media = taken else {
            Issue.record("still refused: \(taken)")
            return
        }
        await box.close()
    }
}

extension Switchboard {
    /// Fires what would be due later.
    func letPass(_ time: Duration) {
        perform(userAgent.advance(to: .now() + time, using: &generator))
        schedule()
    }
}
