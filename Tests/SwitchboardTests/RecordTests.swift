import Call
import Control
import Ledger
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: what the ledger is told of calls", .serialized)
struct RecordTests {
    @Test("A call out: at its dial, its answer and its end")
    func outbound() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page, to: "+4930555100")
        #expect(box.records(of: call).map(\.stage) == [.dialled, .answered])
        _ = await box.switchboard.handle(.hangUp(call: call))
        try await box.wait("the last record") { box.records(of: call).count == 3 }
        let record = try #require(box.records(of: call).last)
        #expect(record.stage == .ended && record.direction == .outbound && record.outcome == .answered)
        #expect(record.far.number?.revealed == "+4930555100")
        #expect(record.user == CallOwner("admin") && record.trunk != nil && record.reason == .hungUpHere)
        let (answered, ended) = (try #require(record.answered), try #require(record.ended))
        #expect(record.dialled <= answered && answered <= ended)
        #expect(record.farCodec == "pcmu")
        // Nothing came over either side, so nothing is known of its sound.
        #expect(record.quality == CallQuality())
        await box.close()
    }

    @Test("A call in that nobody takes: whom nobody picked up for, and why it ended")
    func missed() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        #expect(box.records(of: call).map(\.stage) == [.dialled])
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        try await box.wait("the last record") { box.records(of: call).count == 2 }
        let record = try #require(box.records(of: call).last)
        #expect(record.direction == .inbound && record.outcome == .missed && record.reason == .declined)
        #expect(record.user == nil && record.answered == nil && record.ringing != nil && record.ended != nil)
        await box.close()
    }

    @Test("A call in that is answered belongs to whoever picked up")
    func answered() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.answer(connection: page, call: call))
        try await box.wait("the record of the answer") { box.records(of: call).contains { $0.stage == .answered } }
        await box.close()
        // The box's end ends it, and that is recorded before it goes.
        let record = try #require(box.records(of: call).last)
        #expect(record.stage == .ended && record.reason == .boxStopping && record.user == CallOwner("admin"))
    }

    @Test("What is not dialled, and what is turned away, has one record")
    func refused() async throws {
        let box = try await Box.open(dialling: #"country = "DE""#)
        let page = await box.page()
        _ = await box.switchboard.handle(.start(connection: page, to: Redacted("+8812345678"), offer: Box.offer))
        let record = try #require(box.records.all.withLock { $0.last })
        #expect(record.direction == .outbound && record.reason == .refusedHere && record.outcome == .failed)
        #expect(record.dialled == record.ended && record.stage == .ended)
        #expect(record.user == CallOwner("admin") && record.trunk != nil)
        _ = await box.switchboard.handle(.detach(connection: page, departure: .signedOff))
        box.provider.call(box.transport.localAddress)
        try await box.wait("the record of the call that came") { box.records.all.withLock { $0.count == 2 } }
        let other = try #require(box.records.all.withLock { $0.last })
        #expect(other.direction == .inbound && other.reason == .unavailable && other.outcome == .missed)
        #expect(other.user == nil && other.trunk == record.trunk)
        await box.close()
    }

    /// A box that passes on every call.
    private func forwarding() async throws -> Box {
        try await Box.open { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("+49 170 1234567"))
            settings.forwarding?.occasion = .always
        }
    }

    private func onward(_ box: Box) -> [CallRecord] {
        box.records.all.withLock { $0.filter { $0.forwardedBy != nil } }
    }

    @Test("A call that is passed on has a record of either half, each naming the other", arguments: [true, false])
    func passedOn(callerHangsUp: Bool) async throws {
        let box = try await forwarding()
        box.provider.answersCalls.store(true, ordering: .relaxed)
        box.provider.call(box.transport.localAddress)
        try await box.wait("the answer") { box.provider.finalStatus == 200 }
        box.provider.acknowledge()
        try await box.wait("the record of the answer") { onward(box).map(\.stage) == [.dialled, .answered] }
        if callerHangsUp {
            box.provider.hangUpAsCaller()
        } else {
            box.provider.hangUp()
        }
        try await box.wait("the last record") { onward(box).last?.stage == .ended }
        let second = try #require(onward(box).last)
        let call = try #require(second.forwardedBy)
        let first = try #require(box.records(of: call).last)
        #expect(first.stage == .ended && first.direction == .inbound && first.user == nil)
        #expect(first.far.number?.revealed == "+493023125000" && first.forwardedTo == second.identifier)
        #expect(second.direction == .outbound && second.far.number?.revealed == "+491701234567")
        #expect(second.user == Switchboard.forwarding && second.trunk == first.trunk && second.trunk != nil)
        #expect(second.answered != nil && second.ended == first.ended && second.outcome == .answered)
        #expect(second.reason == (callerHangsUp ? .hungUpHere : .hungUpThere))
        // As the caller's half sees it.
        #expect(first.reason == (callerHangsUp ? .hungUpThere : .hungUpHere))
        #expect(second.farCodec == "pcmu")
        await box.close()
    }

    @Test("A number that is busy when a call is passed on to it has a record of that")
    func passedOnInVain() async throws {
        let box = try await forwarding()
        box.provider.refuse(.invite, with: 486)
        box.provider.call(box.transport.localAddress)
        try await box.wait("the last record") { onward(box).last?.stage == .ended }
        let record = try #require(onward(box).last)
        #expect(record.reason == .busy && record.outcome == .missed && record.answered == nil)
        #expect(onward(box).map(\.stage) == [.dialled, .ended])
        await box.close()
    }

    @Test("A forwarding that the rules forbid is refused to the forwarding, not to nobody")
    func forwardingRefused() async throws {
        let box = try await Box.open { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("+88216123456"))
            settings.forwarding?.occasion = .always
        }
        box.provider.call(box.transport.localAddress)
        try await box.wait("the refusal") { box.provider.finalStatus == 480 }
        let refused = try #require(box.records.all.withLock { $0.first { $0.reason == .refusedHere } })
        #expect(refused.user == Switchboard.forwarding && refused.trunk != nil)
        await box.close()
    }
}
