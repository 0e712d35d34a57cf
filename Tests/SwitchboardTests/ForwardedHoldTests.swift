import Call
import Control
import SDP
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

/// The caller and the called number are one provider's socket; the calls are told apart by their Call-ID.
@Suite("A hold goes through a call that is passed on", .serialized)
struct ForwardedHoldTests {
    private func open() async throws -> Box {
        let box = try await Box.open { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("+49 170 1234567"))
            settings.forwarding?.occasion = .always
        }
        box.provider.answersCalls.store(true, ordering: .relaxed)
        box.provider.call(box.transport.localAddress)
        try await box.wait("the answer to the caller") { box.provider.finalStatus == 200 }
        box.provider.acknowledge()
        try await box.wait("the call") { await box.switchboard.calls.values.first?.call.publicState == .active }
        return box
    }

    /// What the box offered last in the middle of one of the two calls.
    private func offered(_ box: Box, toCaller: Bool) -> MediaDirection? {
        let offers = box.provider.requests.filter {
            $0.method == .invite && $0.headers.to?.tag != nil && ($0.headers.callID == "call") == toCaller
        }
        return offers.last.flatMap { try? SessionDescription($0.body).media.first?.direction ?? .sendrecv }
    }

    private func holds(_ box: Box) async -> (here: Bool, there: Bool)? {
        await box.switchboard.calls.values.first.map { ($0.call.isHeldHere, $0.call.isHeldThere) }
    }

    @Test(
        "The caller holds and resumes: so does the called number's side",
        arguments: [("sendonly", MediaDirection.sendonly, "recvonly"), ("inactive", .inactive, "inactive")])
    func caller(said: String, passedOn: MediaDirection, answer: String) async throws {
        let box = try await open()
        box.provider.offerAsCaller(2, session(said, version: 3))
        try await box.wait("our hold") { offered(box, toCaller: false) == passedOn }
        box.provider.acknowledge()
        #expect(
            try SessionDescription(#require(box.provider.response(.invite, 2)).body).media.first?.direction?.rawValue
                == answer)
        #expect(await holds(box) ?? (true, true) == (here: false, there: true))
        box.provider.offerAsCaller(3, session(version: 4))
        try await box.wait("our resumption") { offered(box, toCaller: false) == .sendrecv }
        box.provider.acknowledge()
        #expect(await holds(box) ?? (true, true) == (here: false, there: false))
        // Nobody else was troubled.
        #expect(offered(box, toCaller: true) == nil)
        await box.close()
    }

    @Test(
        "The called number holds and resumes: so does the caller's side",
        arguments: [("sendonly", MediaDirection.sendonly), ("inactive", .inactive)])
    func onward(said: String, passedOn: MediaDirection) async throws {
        let box = try await open()
        let address = box.transport.localAddress
        try box.provider.send(.invite, 1, to: address) { $0.setBody(session(said, version: 3)) }
        try await box.wait("our hold") { offered(box, toCaller: true) == passedOn }
        try box.provider.acknowledge(1, to: address)
        #expect(await holds(box) ?? (true, true) == (here: true, there: false))
        try box.provider.send(.invite, 2, to: address) { $0.setBody(session(version: 4)) }
        try await box.wait("our resumption") { offered(box, toCaller: true) == .sendrecv }
        try box.provider.acknowledge(2, to: address)
        #expect(await holds(box) ?? (true, true) == (here: false, there: false))
        #expect(offered(box, toCaller: false) == nil)
        await box.close()
    }

    @Test("Whoever is held and says that it hears nothing holds nobody by that")
    func heldAnswersInactive() async throws {
        let box = try await open()
        box.provider.answerDirection.withLock { $0 = .inactive }
        box.provider.offerAsCaller(2, session("sendonly", version: 3))
        try await box.wait("our hold") { offered(box, toCaller: false) == .sendonly }
        box.provider.acknowledge()
        try await box.wait("the agreement") {
            await box.switchboard.calls.values.first?.onward?.side.audio?.direction == .inactive
        }
        #expect(await holds(box) ?? (true, true) == (here: false, there: true))
        #expect(offered(box, toCaller: true) == nil)
        await box.close()
    }

    @Test("The other side refuses: the call goes on, and the hold is that of the first side alone")
    func refused() async throws {
        let box = try await open()
        box.provider.holdAnswer.store(488, ordering: .relaxed)
        box.provider.offerAsCaller(2, session("sendonly", version: 3))
        try await box.wait("our hold") { offered(box, toCaller: false) == .sendonly }
        box.provider.acknowledge()
        let call = try #require(await box.switchboard.calls.keys.first)
        try await box.wait("the notice") { await box.kinds(of: call).contains(.callNotice) }
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        await box.close()
    }
}
