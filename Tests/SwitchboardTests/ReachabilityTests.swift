import Call
import Control
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Accounts without registration are asked by OPTIONS whether their provider is there", .serialized)
struct ReachabilityTests {
    private static let unregistered = "register = false"

    private func status(_ name: String, _ box: Box) async -> TrunkStatus? {
        await box.switchboard.status().trunks.first { $0.name == name }
    }

    @Test("Any final answer says yes: nobody has to know OPTIONS", arguments: [200, 401, 404, 405, 500])
    func anyAnswer(status: Int) async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: status)
        let box = try await servers.open(TwoServers.direct("IP", servers.first, Self.unregistered))
        try await box.wait("the answer") { await self.status("IP", box)?.answers == true }
        #expect(await self.status("IP", box)?.state == .ready)
        #expect(servers.first.count(.options) == 1 && servers.first.count(.register) == 0)
        #expect(servers.first.request(.options)?.headers.contact != nil)
        await servers.close(box)
    }

    @Test("503, a closed port: the account says why, and calls go by another at once", arguments: [503, -1])
    func away(status: Int) async throws {
        let servers = try await TwoServers()
        if status > 0 { servers.first.refuse(.options, with: status) } else { await servers.first.transport.close() }
        let box = try await servers.open(
            TwoServers.direct("IP", servers.first, Self.unregistered)
                + TwoServers.direct("Spare", servers.second, "priority = 2"))
        let code = status > 0 ? "trunk.out-of-service" : "trunk.unreachable"
        try await box.wait("the failure") { await self.status("IP", box)?.problem?.code == code }
        #expect(await self.status("IP", box)?.answers == false)
        try await box.wait("the other") { await self.status("Spare", box)?.state == .registered }
        #expect(await box.switchboard.status().trunk.name == "Spare")
        let page = await box.page()
        let reply = await box.switchboard.handle(.start(connection: page, to: Redacted("100"), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "\(reply)") }
        try await box.wait("the answer") { await box.switchboard.calls[call]?.call.publicState == .active }
        #expect(servers.first.count(.invite) == 0 && servers.second.count(.invite) == 1)
        await servers.close(box)
    }

    @Test("Silence says no after eight seconds, and the first answer yes again")
    func silence() async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: 0)
        let began = MonotonicTime.now()
        let box = try await servers.open(TwoServers.direct("IP", servers.first, Self.unregistered))
        #expect(await self.status("IP", box)?.answers == nil)
        try await box.wait("the failure", for: .seconds(11)) {
            await self.status("IP", box)?.problem?.code == "trunk.no-reply"
        }
        #expect(MonotonicTime.now() - began >= ReachabilityCheck.patience)
        servers.first.refuse(.options, with: nil)
        // The repetition of the question that was given up is answered, too late but well.
        try await box.wait("the answer", for: .seconds(9)) { await self.status("IP", box)?.answers == true }
        #expect(await self.status("IP", box)?.state == .ready)
        #expect(await self.status("IP", box)?.problem == nil)
        await servers.close(box)
    }

    @Test("Whoever answers no OPTIONS but takes or makes calls is there; until a call meets silence")
    func callsOnly() async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: 0)
        let box = try await servers.open(
            TwoServers.direct("IP", servers.first, "options_interval = 10\nregister = false"))
        let page = await box.page()
        try await box.wait("the failure", for: .seconds(11)) { await self.status("IP", box)?.state == .failed }
        let call = try await box.talk(page)
        #expect(await self.status("IP", box)?.state == .ready)
        #expect(await self.status("IP", box)?.answers == true)
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        // The next question is not answered either.
        try await box.wait("another question", for: .seconds(15)) { servers.first.count(.options) >= 2 }
        try await Task.sleep(for: ReachabilityCheck.patience + .milliseconds(500))
        #expect(await self.status("IP", box)?.state == .ready)
        await servers.close(box)
    }

    @Test(
        "A call that comes in shows that the provider is there; so does one that is refused", arguments: [true, false])
    func lives(inbound: Bool) async throws {
        let servers = try await TwoServers()
        let box = try await servers.open(
            TwoServers.direct("IP", servers.first, "options_interval = 0\nregister = false"))
        #expect(await self.status("IP", box)?.answers == nil)
        #expect(await self.status("IP", box)?.isAsked == false)
        let page = await box.page()
        if inbound {
            _ = try await box.ring(page)
        } else {
            servers.first.refuse(.invite, with: 404)
            _ = await box.switchboard.handle(.start(connection: page, to: Redacted("100"), offer: Box.offer))
        }
        try await box.wait("the sign of life") { await self.status("IP", box)?.answers == true }
        await servers.close(box)
    }

    @Test("Every provider is asked when somebody wants to know, at once, and each answer has its account's name")
    func asksAll() async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: 0)
        let box = try await servers.open(
            TwoServers.direct("One", servers.first) + TwoServers.direct("Two", servers.second, "priority = 2"))
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy(\.isUsable) }
        guard case .providers(let reports) = await box.switchboard.handle(.askProviders) else {
            Issue.record("no reports")
            return
        }
        #expect(reports.map(\.name) == ["One", "Two"] && reports.map(\.status) == [nil, 200])
        #expect(reports.first?.problem?.code == "trunk.no-reply")
        await servers.close(box)
    }

    @Test("503 says when it may be asked again")
    func retryAfter() async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: 503, retryAfter: 120)
        let box = try await servers.open(
            TwoServers.direct("IP", servers.first, "options_interval = 10\nregister = false")
                + TwoServers.direct("Spare", servers.second, "priority = 2"))
        try await box.wait("the failure") { await self.status("IP", box)?.state == .failed }
        let deadline = try #require(await box.switchboard.lines.first?.check?.deadline)
        #expect(deadline > .now() + .seconds(110))
        let peer = try #require(await box.switchboard.lines.first?.route?.target)
        let line = try #require(await box.switchboard.lines.first)
        #expect(!line.isInGoodStanding(peer, at: .now() + .seconds(100)))
        await servers.close(box)
    }

    @Test("The next server of the same provider is taken when the first is away")
    func nextServer() async throws {
        let servers = try await TwoServers()
        servers.first.refuse(.options, with: 503)
        let box = try await servers.open(TwoServers.trunk + Self.unregistered)
        try await box.wait("the answer") { await self.status("SRV", box)?.answers == true }
        #expect(await self.status("SRV", box)?.target == "udp:\(servers.second.address)")
        #expect(servers.first.count(.options) == 1 && servers.second.count(.options) == 1)
        await servers.close(box)
    }

    @Test("Nobody asks a registrar, or where the owner wants no questions; a reload that wants them begins")
    func notAsked() async throws {
        let servers = try await TwoServers()
        let quiet = TwoServers.direct("Quiet", servers.second, "options_interval = 0\n\(Self.unregistered)")
        let box = try await servers.open(TwoServers.direct("One", servers.first) + quiet)
        try await box.wait("both") { await box.switchboard.status().trunks.allSatisfy(\.isUsable) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(servers.first.count(.options) == 0 && servers.second.count(.options) == 0)
        #expect(await self.status("Quiet", box)?.answers == nil)
        let asked = quiet.replacing("options_interval = 0", with: "options_interval = 10")
        #expect(
            await box.switchboard.apply(try TwoServers.settings(TwoServers.direct("One", servers.first) + asked)) == [])
        try await box.wait("the answer") { await self.status("Quiet", box)?.answers == true }
        #expect(servers.first.count(.options) == 0)
        await servers.close(box)
    }
}

@Suite("When the next OPTIONS is due")
struct ReachabilityCheckTests {
    private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

    @Test("At once, then after the interval give or take a tenth; while it is away every half minute")
    func times() {
        var generator = SeededGenerator(seed: 7)
        var check = ReachabilityCheck(interval: .seconds(60), now: .zero)
        #expect(check.advance(to: .zero) == .ask)
        check.asked(1, now: .zero)
        #expect(check.advance(to: at(7)) == nil)
        #expect(check.advance(to: at(8)) == .giveUp)
        var pauses: Set<Duration> = []
        for (answers, range) in [(true, 54.0...66.0), (false, 27.0...33.0)] {
            for _ in 0..<50 {
                check.concluded(answers, now: at(8), using: &generator)
                #expect(check.answers == answers)
                guard let deadline = check.deadline else {
                    Issue.record("nothing is due")
                    return
                }
                pauses.insert(deadline - at(8))
                #expect(range.contains((deadline - at(8)) / .seconds(1)))
            }
        }
        #expect(pauses.count > 10, "many boxes do not ask in step")
        // What could not be asked says nothing.
        check.concluded(nil, now: at(9), using: &generator)
        #expect(check.answers == false)
    }

    @Test("Silence says nothing of whoever answers calls only; of whoever answered OPTIONS once, unless it lived since")
    func signsOfLife() {
        var generator = SeededGenerator(seed: 7)
        var check = ReachabilityCheck(interval: .seconds(60), now: .zero)
        check.asked(1, now: .zero)
        #expect(!check.silenceMeansNothing)
        check.lived(at: at(1))
        check.concluded(nil, now: at(8), using: &generator)
        check.asked(2, now: at(60))
        #expect(check.silenceMeansNothing && check.answers == true)
        check.wasSilent()
        #expect(!check.silenceMeansNothing)
        check.concluded(true, now: at(61), using: &generator)
        check.lived(at: at(62))
        check.asked(3, now: at(120))
        #expect(!check.silenceMeansNothing)
        check.lived(at: at(121))
        #expect(check.silenceMeansNothing)
        check.concluded(false, retryAfter: .seconds(300), now: at(121), using: &generator)
        #expect(!check.silenceMeansNothing && check.deadline == at(421))
    }
}
