import Audio
import OpusCodec
import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("RFC 4733 telephone-events through a bridge")
    struct DigitRelayTests {
        /// Chromium sends the clock of its sound, Firefox 8000 always.
        @Test("A browser's digits reach an 8000 Hz trunk with converted durations", arguments: [48_000, 8_000])
        func toTrunk(clockRate: Int) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            var tone = ToneGenerator(frequency: 440, dBm0: -10, sampleRate: 8_000)
            let encoder = try OpusEncoder()
            for digit in "12#" {
                for _ in 0..<5 {
                    browser.say(try opus(encoder, &tone), as: TestBrowser.opus, ticks: 960)
                    try await Task.sleep(for: .milliseconds(20))
                }
                browser.press(digit, as: clockRate == 48_000 ? 110 : 126, clockRate: clockRate)
            }
            browser.say(try opus(encoder, &tone), as: TestBrowser.opus, ticks: 960)
            try await until("everything is through") {
                trunk.pump()
                return trunk.heard.count == 15 + 21 + 1
            }
            var receiver = TelephoneEventReceiver()
            #expect(digits(trunk.heard, 101, &receiver) == "12#")
            try await until("the last digit is told") { harness.digits(browser.leg) == "12#" }
            let events = trunk.heard.filter { $0.header.payloadType == 101 }
            #expect(Set(events.map(\.header.timestamp)).count == 3)
            let durations = events.prefix(7).map { Int($0.payload[2]) << 8 | Int($0.payload[3]) }
            #expect(durations == [160, 320, 480, 640, 800, 800, 800])
            let first = try #require(trunk.heard.first).header
            for (index, packet) in trunk.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
            }
        }

        @Test("A digit of which only the end packets come reaches the trunk as a whole event")
        func onlyEnds() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            for digit in "1#" {
                browser.press(digit, as: 110, clockRate: 48_000, onlyEnd: true)
                try await Task.sleep(for: .milliseconds(300))
            }
            try await until("both digits are told") { harness.digits(browser.leg) == "1#" }
            try await until("both events are through") {
                trunk.pump()
                return trunk.heard.filter(\.isEventEnd).count == 6
            }
            var receiver = TelephoneEventReceiver()
            #expect(digits(trunk.heard, 101, &receiver) == "1#")
            let durations = trunk.heard.map { Int($0.payload[2]) << 8 | Int($0.payload[3]) }
            #expect(durations.first == 160)
            #expect(durations.max() == 960)
            #expect(trunk.heard.filter { !$0.isEventEnd }.count >= 8)
        }

        @Test("A trunk's digits reach the browser in the clock of its sound")
        func toBrowser() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            for _ in 0..<5 {
                trunk.say([UInt8](repeating: 0xff, count: 160), as: 0)
                try await Task.sleep(for: .milliseconds(20))
            }
            trunk.press("9")
            trunk.say([UInt8](repeating: 0xff, count: 160), as: 0)
            try await until("everything is through") {
                browser.pump()
                return browser.heard.count == 11
            }
            let events = browser.heard.filter { $0.header.payloadType == 110 }
            #expect(events.count == 5)
            #expect(events.map { Int($0.payload[2]) << 8 | Int($0.payload[3]) } == [960, 1_920, 2_880, 2_880, 2_880])
            #expect(events.allSatisfy { $0.payload[0] == 9 })
            #expect(Set(events.map(\.header.timestamp)).count == 1)
            try await until("the digit is told") { harness.digits(leg) == "9" }
            let first = try #require(browser.heard.first).header
            for (index, packet) in browser.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
            }
        }

        @Test(
            "A key that comes by signalling and with the sound goes on once, whichever comes first",
            arguments: [true, false])
        func twice(signallingFirst: Bool) async throws {
            let harness = try MediaHarness()
            let (source, caller) = try harness.openTrunk(1)
            let (target, called) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(source, caller.audio(.pcmu))
            harness.engine.setTrunkAudio(target, called.audio(.pcmu))
            harness.engine.connect(source, target, aToB: true, bToA: true)
            caller.say([UInt8](repeating: 0xff, count: 160), as: 0)
            called.say([UInt8](repeating: 0xff, count: 160), as: 0)
            _ = await harness.engine.snapshot()
            if signallingFirst { harness.engine.relayDigit("4", from: source, to: target) }
            _ = await harness.engine.snapshot()
            caller.press("4")
            try await until("the key is told") { harness.digits(source) == "4" }
            if !signallingFirst { harness.engine.relayDigit("4", from: source, to: target) }
            // By signalling alone.
            harness.engine.relayDigit("5", from: source, to: target)
            try await Task.sleep(for: .milliseconds(900))
            called.pump()
            var receiver = TelephoneEventReceiver()
            #expect(digits(called.heard, 101, &receiver) == "45")
            let events = called.heard.filter { $0.header.payloadType == 101 }
            #expect(Set(events.map(\.header.timestamp)).count == 2)
        }

        @Test("A trunk without telephone-events hears the browser's digit as a tone")
        func asTone() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu, event: nil))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            browser.press("3", as: 126, clockRate: 8_000)
            try await until("the tone is over") {
                trunk.pump()
                return trunk.heard.count >= 12
            }
            let samples = trunk.heard.prefix(10).flatMap { decode(.muLaw, $0.payload) }
            #expect(purity(697, samples) + purity(1_477, samples) > 0.97)
        }
    }
}
