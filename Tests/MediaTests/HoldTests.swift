import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("A call that is held")
    struct HoldTests {
        private let spoken = [UInt8](repeating: 0x35, count: 160)

        @Test("Whoever is held gets silence under the same stream, nobody hears the other, and afterwards both do")
        func held() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            browser.say(spoken, as: 0, ticks: 160)
            try await until("the voice") {
                trunk.pump()
                return trunk.heard.count == 1
            }
            let ssrc = trunk.heard[0].header.ssrc

            harness.engine.connect(browser.leg, leg, aToB: false, bToA: false)
            harness.engine.startService(leg, .silence)
            _ = await harness.engine.snapshot()
            browser.pump()
            let before = browser.heard.count
            for _ in 0..<5 {
                browser.say(spoken, as: 0, ticks: 160)
                trunk.say(spoken, as: 0)
            }
            try await until("silence") {
                trunk.pump()
                return trunk.heard.count >= 6
            }
            #expect(trunk.heard.dropFirst().allSatisfy { $0.payload.allSatisfy { $0 == 0xff } })
            #expect(trunk.heard.allSatisfy { $0.header.ssrc == ssrc })
            browser.pump()
            #expect(browser.heard.count == before)

            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            browser.say(spoken, as: 0, ticks: 160)
            trunk.say(spoken, as: 0)
            try await until("both voices") {
                trunk.pump()
                browser.pump()
                return trunk.heard.last?.payload.first == 0x35 && browser.heard.count > before
            }
            for (one, next) in zip(trunk.heard, trunk.heard.dropFirst()) {
                #expect(next.header.sequenceNumber == one.header.sequenceNumber &+ 1)
            }
        }

        @Test("Nothing is sent to a side that will not hear", arguments: [MediaDirection.recvonly, .inactive])
        func direction(_ direction: MediaDirection) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            var audio = trunk.audio(.pcmu)
            audio.direction = direction
            harness.engine.setTrunkAudio(leg, audio)
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            for _ in 0..<5 { browser.say(spoken, as: 0, ticks: 160) }
            var snapshot = await harness.engine.snapshot()
            while snapshot.legs[0].packetsIn < 5 { snapshot = await harness.engine.snapshot() }
            trunk.pump()
            #expect(trunk.heard.isEmpty)
        }

        @Test("Keys that travel by signalling are told and stay out of the sound", arguments: [true, false])
        func keys(inSound: Bool) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.setDigitsInSound(leg, inSound)
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            browser.press("7", as: 126, clockRate: 8_000)
            try await until("the key is told") { harness.digits(browser.leg) == "7" }
            browser.say(spoken, as: 0, ticks: 160)
            try await until("the voice") {
                trunk.pump()
                return trunk.heard.last?.payload.first == 0x35
            }
            #expect(trunk.heard.contains { $0.header.payloadType == 101 } == inSound)
        }
    }
}
