import Audio
import OpusCodec
import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Services on the box")
    struct ServiceTests {
        @Test("Echo sends sound and telephone-events back as they came", arguments: [AudioCodec.opus, .pcmu])
        func echo(codec: AudioCodec) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            harness.engine.startService(browser.leg, .echo)
            _ = await harness.engine.snapshot()
            let payloadType = codec.staticPayloadType ?? TestBrowser.opus
            let rate = Int(codec.clockRate)
            let spoken = (0..<20).map { [UInt8](repeating: UInt8($0), count: 80) }
            for payload in spoken { browser.say(payload, as: payloadType, ticks: UInt32(rate / 50)) }
            browser.press("5", as: codec == .opus ? 110 : 126, clockRate: rate)
            try await until("everything came back") {
                browser.pump()
                return browser.heard.count == 27
            }
            #expect(browser.heard.prefix(20).map(\.payload) == spoken)
            #expect(browser.heard.prefix(20).allSatisfy { $0.header.payloadType == payloadType })
            let events = browser.heard.suffix(7)
            #expect(events.allSatisfy { $0.header.payloadType == (codec == .opus ? 110 : 126) && $0.payload[0] == 5 })
            #expect(Set(events.map(\.header.timestamp)).count == 1)
            #expect(events.map { $0.payload[1] & 0x80 != 0 } == [false, false, false, false, true, true, true])
            try await until("the digit is told") { harness.digits(browser.leg) == "5" }
        }

        @Test("The milliwatt is 1004 Hz at 0 dBm0, a packet each 20 ms", arguments: [AudioCodec.opus, .pcmu])
        func milliwatt(codec: AudioCodec) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [codec])
            harness.engine.startService(browser.leg, .milliwatt)
            let start = MonotonicTime.now()
            try await until("one second of it came") {
                browser.pump()
                return browser.heard.count >= 50
            }
            let elapsed = (MonotonicTime.now() - start).milliseconds
            #expect(elapsed > 900 && elapsed < 1_500, "50 packets in \(elapsed) ms")
            let decoder = try OpusDecoder()
            let samples = browser.heard.flatMap {
                codec == .opus ? decode(decoder, $0.payload) : decode(.muLaw, $0.payload)
            }
            let settled = Array(samples.dropFirst(8_000 / 4))
            #expect(purity(1_004, settled) >= 0.99)
            var meter = LevelMeter()
            settled.withUnsafeBufferPointer { meter.measure($0) }
            #expect(abs(meter.dBm0) < (codec == .opus ? 1 : 0.2), "\(meter.dBm0) dBm0")
            let first = try #require(browser.heard.first).header
            #expect(first.marker)
            for (index, packet) in browser.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                #expect(packet.header.timestamp == first.timestamp &+ UInt32(index) * codec.clockRate / 50)
            }
        }

        @Test("Digit read-back plays the pair of each key for 200 ms and tells the digit")
        func readBack() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.pcmu])
            harness.engine.startService(browser.leg, .digitReadBack)
            _ = await harness.engine.snapshot()
            browser.press("1", as: 126, clockRate: 8_000)
            browser.press("#", as: 126, clockRate: 8_000)
            try await until("both tones are over") {
                browser.pump()
                return browser.heard.count > 40
            }
            try await until("both digits are told") { harness.digits(browser.leg) == "1#" }
            let loud = browser.heard.map { packet in
                packet.payload.contains { abs(Int(G711.muLaw.decode($0))) > 2_000 }
            }
            let packets = browser.heard.map(\.payload)
            let begin = try #require(loud.firstIndex(of: true))
            let pause = try #require(loud[begin...].firstIndex(of: false))
            let second = try #require(loud[pause...].firstIndex(of: true))
            #expect(pause - begin == 10)
            #expect(loud.filter { $0 }.count == 20)
            for (start, low, high) in [(begin, 697.0, 1_209.0), (second, 941.0, 1_477.0)] {
                let samples = packets[start..<start + 10].flatMap { decode(.muLaw, $0) }
                #expect(purity(low, samples) + purity(high, samples) > 0.97)
            }
        }

        @Test("Digits of the box arrive as telephone-events, or as tones where none were agreed on")
        func sendsDigits() async throws {
            let harness = try MediaHarness()
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.sendDigits(leg, "4 2")
            try await until("both keys were let go") {
                trunk.pump()
                return trunk.heard.filter { $0.payload[1] & 0x80 != 0 }.count == 6
            }
            #expect(trunk.heard.allSatisfy { $0.header.payloadType == 101 })
            var receiver = TelephoneEventReceiver()
            #expect(digits(trunk.heard, 101, &receiver) == "42")

            let (plainLeg, plain) = try harness.openTrunk(3)
            harness.engine.setTrunkAudio(plainLeg, plain.audio(.pcma, event: nil))
            harness.engine.sendDigits(plainLeg, "7")
            try await until("the tone is over") {
                plain.pump()
                return plain.heard.count >= 12
            }
            let samples = plain.heard.prefix(10).flatMap { decode(.aLaw, $0.payload) }
            #expect(purity(852, samples) + purity(1_209, samples) > 0.97)
        }
    }
}

/// The digits that a far end reads out of packets.
func digits(_ packets: [HeardPacket], _ payloadType: UInt8, _ receiver: inout TelephoneEventReceiver) -> String {
    var text = ""
    for packet in packets where packet.header.payloadType == payloadType {
        guard let event = packet.payload.withUnsafeBytes({ try? TelephoneEvent(parsing: $0) }) else { continue }
        let outcome = receiver.received(event, header: packet.header, clockRate: 8_000, now: .zero)
        for digit in [outcome.interrupted, outcome.completed] {
            if let digit { text.append(digit.character) }
        }
    }
    return text
}
