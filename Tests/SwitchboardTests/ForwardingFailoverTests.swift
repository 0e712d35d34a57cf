import Call
import Control
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Calls that are passed on find another server, another account, as a page's do", .serialized)
struct ForwardingFailoverTests {
    /// A box that passes on every call, to a number that both servers and whoever else is named can reach.
    private func open(_ servers: TwoServers, _ trunks: String = TwoServers.trunk) async throws -> Box {
        var settings = try TwoServers.settings(trunks)
        settings.forwarding = ForwardingSettings(number: Redacted("+49 170 1234567"))
        settings.forwarding?.occasion = .always
        let box = try await Box.open(settings, servers.first, resolver: servers.resolver)
        try await box.wait("all of them") { await box.switchboard.status().trunks.allSatisfy(\.isUsable) }
        return box
    }

    /// The caller is the first server, which may well call what it would not take.
    private func expectAnswer(_ box: Box, within patience: Duration = .seconds(5)) async throws {
        box.provider.call(box.transport.localAddress)
        try await box.wait("the answer to the caller", for: patience) { box.provider.finalStatus == 200 }
        let status = await box.switchboard.status()
        #expect(status.calls == 1 && status.dialogs == 2 && status.mediaLegs == 2)
    }

    @Test("503 of one server, and the next takes the call")
    func nextServer() async throws {
        let servers = try await TwoServers()
        let box = try await open(servers)
        servers.first.refuse(.invite, with: 503, retryAfter: 90)
        try await expectAnswer(box)
        #expect(servers.first.count(.invite) == 1 && servers.second.count(.invite) == 1)
        #expect(servers.second.request(.invite)?.headers.to?.uri.user == "+491701234567")
        // The sound is agreed on with the one that answered.
        #expect(servers.first.request(.bye) == nil)
        box.provider.acknowledge()
        servers.second.hangUp()
        try await box.wait("our BYE to the caller") { box.provider.count(.bye) == 1 }
        try await box.expectNothingLeft()
        await servers.close(box)
    }

    @Test("Silence of one server, and the next is asked after four seconds")
    func silence() async throws {
        let servers = try await TwoServers()
        let box = try await open(servers)
        servers.first.refuse(.invite, with: 0)
        let began = MonotonicTime.now()
        try await expectAnswer(box, within: .seconds(9))
        #expect(MonotonicTime.now() - began >= .seconds(4))
        #expect(servers.second.count(.invite) == 1)
        await servers.close(box)
    }

    @Test("Both servers refuse, and the next account takes it in its own way of writing numbers")
    func nextTrunk() async throws {
        let servers = try await TwoServers()
        let third = try await ScriptedProvider.open()
        third.answersCalls.store(true, ordering: .relaxed)
        let box = try await open(
            servers,
            TwoServers.trunk
                + TwoServers.direct(
                    "Spare", third,
                    """
                    priority = 2
                    codecs = ["pcmu"]
                    number = "+493012345678"
                    number_format = "national-or-idd"
                    """, user: "spare"))
        for provider in [servers.first, servers.second] { provider.refuse(.invite, with: 503) }
        try await expectAnswer(box)
        let invite = try #require(third.request(.invite))
        #expect(invite.uri.sip?.user == "01701234567")
        #expect(String(decoding: invite.body, as: UTF8.self).contains("RTP/AVP 0 101\r\n"))
        // The call itself still is that of the account by which it came.
        #expect(await box.switchboard.status().list.map(\.trunk) == ["SRV"])
        await servers.close(box)
        await third.transport.close()
    }

    @Test("What the called person says is not asked of another server, and the caller is told")
    func busy() async throws {
        let servers = try await TwoServers()
        let box = try await open(servers)
        servers.first.refuse(.invite, with: 486)
        box.provider.call(box.transport.localAddress)
        try await box.wait("the refusal") { box.provider.finalStatus == 486 }
        #expect(servers.second.count(.invite) == 0)
        try await box.expectNothingLeft()
        await servers.close(box)
    }

    @Test("No way left: the caller is refused, and nothing stays")
    func noneLeft() async throws {
        let servers = try await TwoServers()
        let box = try await open(servers)
        for provider in [servers.first, servers.second] { provider.refuse(.invite, with: 503) }
        box.provider.call(box.transport.localAddress)
        try await box.wait("the refusal") { box.provider.finalStatus == 480 }
        #expect(servers.first.count(.invite) == 1 && servers.second.count(.invite) == 1)
        try await box.expectNothingLeft()
        await servers.close(box)
    }
}
