import Dispatch
import NIOCore
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("The switchboard on the loop of the SIP sockets")
struct LoopTests {
    @Test("It takes its turns on the loop's own thread")
    func place() async throws {
        let box = try await Box.open()
        #expect(await box.switchboard.isOnTheLoop())
        await box.close()
    }

    @Test("While it is blocked neither its own probe nor that of the transport is answered, and both are afterwards")
    func blocked() async throws {
        let box = try await Box.open()
        let entered = Atomic(false)
        let gate = DispatchSemaphore(value: 0)
        let blocking = Task {
            await box.switchboard.block {
                entered.store(true, ordering: .relaxed)
                gate.wait()
            }
        }
        try await box.wait("the block") { entered.load(ordering: .relaxed) }
        let answers = Atomic(0)
        Task {
            await box.switchboard.probe()
            answers.add(1, ordering: .relaxed)
        }
        box.transport.probe { answers.add(1, ordering: .relaxed) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(answers.load(ordering: .relaxed) == 0)
        gate.signal()
        await blocking.value
        try await box.wait("both answers") { answers.load(ordering: .relaxed) == 2 }
        await box.close()
    }
}

extension Switchboard {
    fileprivate func isOnTheLoop() -> Bool { transport.loop.inEventLoop }

    fileprivate func block(_ body: @Sendable () -> Void) { body() }
}
