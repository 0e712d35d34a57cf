import Call
import Control
import Media
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: keys by INFO", .serialized)
struct KeyTests {
    private func inform(_ box: Box, _ sequence: UInt32, _ text: String, _ subtype: String) async throws -> Int {
        try box.provider.send(.info, sequence, to: box.transport.localAddress) {
            $0.setBody(Array(text.utf8), type: MediaType("application", subtype))
        }
        try await box.wait("the answer to INFO") { box.provider.response(.info, sequence) != nil }
        return try #require(box.provider.response(.info, sequence)).status
    }

    private func sent(_ box: Box) -> [String] {
        box.provider.requests.filter { $0.method == .info }.map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test("The far side's keys reach the page and are counted")
    func received() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        #expect(try await inform(box, 1, "Signal=5\r\nDuration=160\r\n", "dtmf-relay") == 200)
        #expect(try await inform(box, 2, "#", "dtmf") == 200)
        #expect(try await inform(box, 3, "<x/>", "media_control+xml") == 415)
        #expect(try await inform(box, 4, "nothing", "dtmf-relay") == 400)
        try await box.wait("the page's news") { box.digits(of: call, on: page) == "5#" }
        #expect(await box.switchboard.calls[call]?.digits == 2)
        await box.close()
    }

    @Test("A key that comes by INFO and with the sound is one key, whichever comes first")
    func twice() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let leg = try #require(await box.switchboard.calls[call]?.trunkLeg)
        #expect(try await inform(box, 1, "5", "dtmf") == 200)
        await box.switchboard.take(.digit(leg, "5"))
        await box.switchboard.take(.digit(leg, "6"))
        #expect(try await inform(box, 2, "6", "dtmf") == 200)
        // Pressed twice on one way it is two keys.
        #expect(try await inform(box, 3, "7", "dtmf") == 200)
        #expect(try await inform(box, 4, "7", "dtmf") == 200)
        try await box.wait("the page's news") { box.digits(of: call, on: page) == "5677" }
        #expect(await box.switchboard.calls[call]?.digits == 4)
        await box.close()
    }

    @Test("Twins are found in any order of fast keys, and only within two seconds")
    func twins() {
        func heard(_ keys: [(Character, HeardKeys.Way, Int)]) -> String {
            var ear = HeardKeys()
            return String(keys.filter { ear.hears($0.0, by: $0.1, now: .zero + .milliseconds($0.2)) }.map(\.0))
        }
        #expect(
            heard([
                ("1", .sound, 0), ("1", .sound, 100), ("2", .sound, 200), ("1", .message, 210), ("1", .message, 220),
                ("2", .message, 230),
            ]) == "112")
        #expect(heard([("1", .message, 0), ("1", .sound, 2000)]) == "1")
        #expect(heard([("1", .message, 0), ("1", .sound, 2001)]) == "11")
        #expect(heard([("1", .message, 0), ("1", .sound, 10), ("1", .sound, 20)]) == "11")
        // A flood is not remembered without bound, and not swallowed either.
        #expect(heard((0..<1000).map { ("1", .sound, $0) }).count == 1000)
    }

    @Test("Keys go by INFO where the account says so, one after the other")
    func asked() async throws {
        let box = try await Box.open(trunk: "digits = \"info\"")
        let page = await box.page()
        let call = try await box.talk(page)
        #expect(
            await box.switchboard.handle(.digits(connection: page, call: call, digits: Redacted("1*"))) == .done)
        // What the page presses in its sound is passed on in the same way.
        let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        await box.switchboard.take(.digit(leg, "#"))
        try await box.wait("three keys") { sent(box).count == 3 }
        #expect(sent(box).map { $0.prefix(8) } == ["Signal=1", "Signal=*", "Signal=#"])
        #expect(box.digits(of: call, on: page) == "")
        await box.close()
    }

    @Test("Without that they go with the sound")
    func inSound() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        _ = await box.switchboard.handle(.digits(connection: page, call: call, digits: Redacted("1")))
        let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        await box.switchboard.take(.digit(leg, "2"))
        try await box.switchboard.handle(.hold(connection: page, call: call, wanted: true)).expectDone()
        try await box.wait("a later message") { box.provider.count(.invite) == 2 }
        #expect(sent(box).isEmpty)
        await box.close()
    }

    @Test("Who takes no INFO gets the keys in the sound from then on")
    func refused() async throws {
        let box = try await Box.open(trunk: "digits = \"info\"")
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.info.store(415, ordering: .relaxed)
        _ = await box.switchboard.handle(.digits(connection: page, call: call, digits: Redacted("1")))
        try await box.wait("the notice") { box.notices(of: call, on: page) == ["call.digits-refused"] }
        _ = await box.switchboard.handle(.digits(connection: page, call: call, digits: Redacted("2")))
        #expect(sent(box).count == 1)
        #expect(await box.switchboard.calls[call]?.withoutDigitMessages.isEmpty == false)
        await box.close()
    }

    @Test("A key by INFO goes on to the other trunk leg of a call that was passed on, once, and back")
    func passedOn() async throws {
        let box = try await Box.open(trunk: "digits = \"info\"") { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("+49 170 1234567"))
            settings.forwarding?.occasion = .always
        }
        box.provider.answersCalls.store(true, ordering: .relaxed)
        box.provider.call(box.transport.localAddress)
        try await box.wait("the answer") { box.provider.finalStatus == 200 }
        box.provider.acknowledge()
        #expect(try await inform(box, 1, "Signal=5\r\nDuration=160\r\n", "dtmf-relay") == 200)
        try await box.wait("the key at the caller") { sent(box).count == 1 }
        let call = try #require(await box.switchboard.calls.keys.first)
        let onward = try #require(await box.switchboard.calls[call]?.onward?.leg)
        // The same key with the sound is no other.
        await box.switchboard.take(.digit(onward, "5"))
        let caller = try #require(await box.switchboard.calls[call]?.trunkLeg)
        await box.switchboard.take(.digit(caller, "7"))
        try await box.wait("the key at the number") { sent(box).count == 2 }
        #expect(sent(box).map { $0.prefix(8) } == ["Signal=5", "Signal=7"])
        let infos = box.provider.requests.filter { $0.method == .info }
        #expect(infos.first?.headers.callID == "call" && infos.last?.headers.callID != "call")
        #expect(await box.switchboard.calls[call]?.digits == 2)
        await box.close()
    }
}

extension ControlReply {
    fileprivate func expectDone() throws {
        #expect(self == .done)
    }
}
