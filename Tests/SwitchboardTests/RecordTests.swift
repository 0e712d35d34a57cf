import Call
import Control
import Ledger
import SIPTransport
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
        _ = await box.switchboard.handle(.detach(connection: page, closed: true))
        box.provider.call(box.transport.localAddress)
        try await box.wait("the record of the call that came") { box.records.all.withLock { $0.count == 2 } }
        let other = try #require(box.records.all.withLock { $0.last })
        #expect(other.direction == .inbound && other.reason == .unavailable && other.outcome == .missed)
        await box.close()
    }
}
