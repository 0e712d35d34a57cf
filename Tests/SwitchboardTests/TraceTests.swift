import Call
import Control
import NIOPosix
import SIPMessage
import SIPTrace
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: the messages of calls", .serialized)
struct TraceTests {
    private func lines(_ box: Box, _ name: String, numbers: Bool = false) async -> [String] {
        let command = ControlCommand.trace(of: name, after: 0, showing: TraceShowing(numbers: numbers))
        guard case .trace(let report) = await box.switchboard.handle(command) else { return [] }
        // A busy machine makes itself heard by retransmissions.
        return report.messages.filter { !$0.isRepeated }.map {
            "\($0.direction == .sent ? ">" : "<") \($0.line.split(separator: " ")[0])"
        }
    }

    @Test("The registration and both kinds of calls are stories of their own, from their first message on")
    func stories() async throws {
        let box = try await Box.open()
        box.provider.answersCalls.store(true, ordering: .relaxed)
        let page = await box.page()
        let registration = await lines(box, "registration")
        #expect(registration == ["> REGISTER", "< 200"])
        let inbound = try await box.ring(page)
        _ = await box.switchboard.handle(.end(connection: page, call: inbound))
        try await box.wait("the refusal") { box.provider.finalStatus == 603 }
        #expect(await lines(box, inbound.description) == ["< INVITE", "> 100", "> 180", "> 603"])
        guard
            case .media(let outbound, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("+493023125000"), offer: Box.offer))
        else {
            Issue.record("no call was made")
            return
        }
        try await box.wait("the answer") { await box.switchboard.calls[outbound]?.call.publicState == .active }
        _ = await box.switchboard.handle(.end(connection: page, call: outbound))
        try await box.wait("the end") { await lines(box, outbound.description).count == 5 }
        #expect(
            await lines(box, String(outbound.description.prefix(10)))
                == ["> INVITE", "< 200", "> ACK", "> BYE", "< 200"])
        guard case .traces(let list) = await box.switchboard.handle(.traces) else {
            Issue.record("there is no list")
            return
        }
        #expect(
            list.stories.map(\.subject) == [.registration, .call(outbound), .call(inbound)])
        #expect(list.stories.map(\.isInbound) == [nil, false, true])
        #expect(list.stories[1].far == "…00")
        await box.close()
    }

    @Test("What is unknown or ambiguous is said; numbers that were shown are an event, once")
    func numbers() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        let unknown = ControlCommand.trace(of: "zz", after: 0, showing: TraceShowing())
        #expect(await box.switchboard.handle(unknown) == .failed(Switchboard.nothingTraced))
        _ = await lines(box, call.description)
        #expect(await box.kinds(of: call).contains(.traceNumbers) == false)
        for _ in 0..<3 { _ = await lines(box, call.description, numbers: true) }
        try await box.wait("the event") { await box.kinds(of: call).contains(.traceNumbers) }
        #expect(await box.kinds(of: call).count { $0 == .traceNumbers } == 1)
        await box.close()
    }

    @Test("Strangers are counted and leave no story, and the probe of the transport is nobody")
    func strangers() async throws {
        let box = try await Box.open()
        let stranger = try await SIPTransport.open(
            listen: NetworkAddress(host: .ipv4(0x7f00_0002), port: 0), on: MultiThreadedEventLoopGroup.singleton)
        var request = SIPRequest(
            .options, SIPURI(address: box.transport.localAddress),
            via: Via(sentBy: stranger.localAddress, branch: "\(Via.magicCookie)x"),
            from: NameAddress(SIPURI(user: "x", address: stranger.localAddress), tag: "x"),
            to: NameAddress(SIPURI(address: box.transport.localAddress)), callID: "x", cseq: 1)
        request.headers.contact = nil
        let before = await box.switchboard.trace.footprint.messages
        for _ in 0..<100 { stranger.send(request.serialized(), to: box.transport.localAddress) }
        try await box.wait("the strangers' count") { await box.switchboard.trace.strangers.messages >= 200 }
        #expect(await box.switchboard.trace.footprint.messages == before)
        let strangers = await box.switchboard.trace.strangers.messages
        await withCheckedContinuation { continuation in box.transport.probe { continuation.resume() } }
        #expect(await box.switchboard.trace.strangers.messages == strangers)
        await stranger.close()
        await box.close()
    }
}
