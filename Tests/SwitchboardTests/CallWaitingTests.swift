import Call
import Control
import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: a page in a call is rung for a second one, and for no third")
struct CallWaitingTests {
    @Test("The second call rings beside the first, is answered, and a third is refused as busy")
    func waiting() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let first = try await box.talk(page)
        let second = try await box.ring(page)
        #expect(
            await box.switchboard.handle(.offer(connection: page, call: second, offer: Box.offer)).isMedia)
        #expect(await box.switchboard.handle(.hold(connection: page, call: first, wanted: true)) == .done)
        #expect(await box.switchboard.handle(.answer(connection: page, call: second)) == .done)
        try await box.wait("the answer to the caller") { box.provider.finalStatus == 200 }
        #expect(await box.switchboard.calls[first]?.call.isHeldHere == true)
        #expect(await box.switchboard.calls[second]?.call.publicState == .active)
        #expect(await box.switchboard.ringablePages.isEmpty)
        await box.close()
    }

    @Test("Whatever a page asks for, it talks in one call only, and has no third")
    func enforced() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let first = try await box.talk(page)
        let second = try await box.ring(page)
        let join = ControlCommand.offer(connection: page, call: second, offer: Box.offer)
        #expect(await box.switchboard.handle(join).isMedia)
        let answer = ControlCommand.answer(connection: page, call: second)
        #expect(await box.switchboard.handle(answer) == .failed(Switchboard.busyHere))
        #expect(await box.switchboard.calls[second]?.call.isForTheTaking == true)
        #expect(await box.switchboard.handle(.hold(connection: page, call: first, wanted: true)) == .done)
        #expect(await box.switchboard.handle(answer) == .done)
        // The other way round: what is held is not taken up beside another.
        let resume = ControlCommand.hold(connection: page, call: first, wanted: false)
        #expect(await box.switchboard.handle(resume) == .failed(Switchboard.busyHere))
        #expect(await box.switchboard.handle(.hold(connection: page, call: second, wanted: true)) == .done)
        #expect(await box.switchboard.handle(resume) == .done)
        await box.close()
    }

    @Test("Of three calls that ring at once a page takes part in two")
    func third() async throws {
        let box = try await Box.open()
        let page = await box.page()
        for name in ["one", "two", "three"] { box.provider.call(box.transport.localAddress, branch: name) }
        try await box.wait("three calls") { await box.switchboard.calls.count == 3 }
        var refused: [ControlReply] = []
        for call in await box.switchboard.calls.keys {
            let reply = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
            if !reply.isMedia { refused.append(reply) }
        }
        #expect(refused == [.failed(Switchboard.busyHere)])
        await box.close()
    }

    @Test("A page is free again for a second call once one of two has ended")
    func free() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let first = try await box.talk(page)
        #expect(await box.switchboard.ringablePages == [page])
        _ = await box.switchboard.handle(.hold(connection: page, call: first, wanted: true))
        let second = try await box.talk(page, to: "200")
        #expect(await box.switchboard.ringablePages.isEmpty)
        _ = await box.switchboard.handle(.end(connection: page, call: second))
        try await box.wait("the end") { await box.switchboard.ringablePages == [page] }
        await box.close()
    }

    @Test("The first call's end leaves the one that waits ringing")
    func firstEnds() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let first = try await box.talk(page)
        let second = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: second, offer: Box.offer))
        _ = await box.switchboard.handle(.end(connection: page, call: first))
        #expect(await box.switchboard.calls[second]?.call.isForTheTaking == true)
        #expect(await box.switchboard.handle(.answer(connection: page, call: second)) == .done)
        await box.close()
    }
}

extension ControlReply {
    var isMedia: Bool { if case .media = self { true } else { false } }
}
