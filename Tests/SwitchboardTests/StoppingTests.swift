import Call
import SIPMessage
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: its end says BYE to every call, and waits for nobody longer than 2 s allow", .serialized)
struct StoppingTests {
    private static let calls = 12

    private func talking() async throws -> Box {
        let box = try await Box.open()
        for _ in 0..<Self.calls { _ = try await box.talk(await box.page()) }
        #expect(await box.switchboard.calls.count == Self.calls)
        return box
    }

    /// - Returns: what the stop took.
    private func stop(_ box: Box) async -> Duration {
        let began = MonotonicTime.now()
        await box.switchboard.stop()
        return .now() - began
    }

    @Test("A provider that answers: a BYE for each call, and the end comes with its last answer")
    func live() async throws {
        let box = try await talking()
        let time = await stop(box)
        #expect(box.provider.count(.bye) == Self.calls)
        #expect(box.provider.request(.register)?.headers.expires == 0)
        #expect(time < .seconds(1), "\(time)")
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A provider that is silent: a BYE for each call, said again, and then it is left")
    func dead() async throws {
        let box = try await talking()
        box.provider.refuse(.bye, with: 0)
        box.provider.refuse(.register, with: 0)
        let time = await stop(box)
        // The sockets and the log come after this, within 2 s of SIGTERM.
        #expect(time < .milliseconds(1800), "\(time)")
        #expect(box.provider.count(.bye) == Self.calls)
        #expect(box.provider.requests.count { $0.method == .bye } >= 2 * Self.calls, "each was sent again")
        await box.close()
    }
}
