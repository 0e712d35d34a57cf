import Audio
import OpusCodec
import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Bridge")
    struct BridgeTests {
        @Test("PCMU passes bit for bit in both directions, under one SSRC without a gap")
        func passThrough() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            let spoken = (0..<50).map { index in (0..<160).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) } }
            for payload in spoken {
                browser.say(payload, as: 0, ticks: 160)
                trunk.say(payload, as: 0)
                try await Task.sleep(for: .milliseconds(2))
            }
            try await until("all packets are through") {
                browser.pump()
                trunk.pump()
                return trunk.heard.count == 50 && browser.heard.count == 50
            }
            for packets in [trunk.heard, browser.heard] {
                #expect(packets.map(\.payload) == spoken)
                #expect(packets.allSatisfy { $0.header.payloadType == 0 })
                #expect(Set(packets.map(\.header.ssrc)).count == 1)
                let first = try #require(packets.first).header
                for (index, packet) in packets.enumerated() {
                    #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                    #expect(packet.header.timestamp == first.timestamp &+ UInt32(index * 160))
                }
            }
            #expect(browser.heard.first?.header.ssrc == 0xb0c5_0001)
            #expect(harness.saw(.firstPacket(leg)) && harness.saw(.firstPacket(browser.leg)))
            let snapshot = await harness.engine.snapshot()
            #expect(snapshot.legs.map(\.packetsIn) == [50, 50])
            #expect(snapshot.legs.map(\.packetsOut) == [50, 50])
            #expect(snapshot.legs[0].srtpProfile == "SRTP_AEAD_AES_128_GCM")
            #expect(snapshot.opusEncoders == 0 && snapshot.opusDecoders == 0)
        }

        @Test("Transcoding keeps a tone's purity at 0.99 or above", arguments: [AudioCodec.pcmu, .pcma])
        func transcodes(trunkCodec: AudioCodec) async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(trunkCodec))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            let law: G711 = trunkCodec == .pcmu ? .muLaw : .aLaw
            let payloadType = try #require(trunkCodec.staticPayloadType)
            var toTrunk = ToneGenerator(frequency: 440, dBm0: -10, sampleRate: 8_000)
            var toBrowser = ToneGenerator(frequency: 1_000, dBm0: -10, sampleRate: 8_000)
            let encoder = try OpusEncoder()
            for _ in 0..<100 {
                browser.say(try opus(encoder, &toTrunk), as: TestBrowser.opus, ticks: 960)
                trunk.say(g711(law, &toBrowser), as: payloadType)
                try await Task.sleep(for: .milliseconds(3))
                browser.pump()
                trunk.pump()
            }
            try await until("all packets are through") {
                browser.pump()
                trunk.pump()
                return trunk.heard.count == 100 && browser.heard.count == 100
            }
            #expect(trunk.heard.allSatisfy { $0.header.payloadType == payloadType && $0.payload.count == 160 })
            #expect(browser.heard.allSatisfy { $0.header.payloadType == TestBrowser.opus })
            let first = try #require(browser.heard.first).header
            for (index, packet) in browser.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                #expect(packet.header.timestamp == first.timestamp &+ UInt32(index * 960))
            }
            let atTrunk = purity(440, trunk.heard.dropFirst(20).flatMap { decode(law, $0.payload) })
            let decoder = try OpusDecoder()
            let samples = browser.heard.flatMap { decode(decoder, $0.payload) }
            let atBrowser = purity(1_000, Array(samples.dropFirst(20 * 160)))
            #expect(atTrunk >= 0.99, "440 Hz at the trunk: \(atTrunk)")
            #expect(atBrowser >= 0.99, "1000 Hz at the browser: \(atBrowser)")
            print("purity at trunk \(atTrunk), at browser \(atBrowser)")
        }

        @Test("A lost Opus packet is concealed: the trunk's stream has neither gap nor jump")
        func conceals() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            var tone = ToneGenerator(frequency: 440, dBm0: -10, sampleRate: 8_000)
            let encoder = try OpusEncoder()
            for index in 0..<60 {
                let payload = try opus(encoder, &tone)
                if index == 30 || index == 40 || index == 41 {
                    browser.skip(ticks: 960)
                } else {
                    browser.say(payload, as: TestBrowser.opus, ticks: 960)
                }
                try await Task.sleep(for: .milliseconds(3))
            }
            try await until("60 packets came of 57") {
                trunk.pump()
                return trunk.heard.count == 60
            }
            let first = try #require(trunk.heard.first).header
            for (index, packet) in trunk.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                #expect(packet.header.timestamp == first.timestamp &+ UInt32(index * 160))
            }
            let snapshot = await harness.engine.snapshot()
            #expect(snapshot.legs[0].lost == 3)
        }

        @Test("The page switches its sender from Opus to PCMU: transcoding ends, the stream goes on")
        func switchesCodec() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            var tone = ToneGenerator(frequency: 440, dBm0: -10, sampleRate: 8_000)
            let encoder = try OpusEncoder()
            for _ in 0..<10 {
                browser.say(try opus(encoder, &tone), as: TestBrowser.opus, ticks: 960)
                try await Task.sleep(for: .milliseconds(20))
            }
            for _ in 0..<10 {
                browser.say(g711(.muLaw, &tone), as: 0, ticks: 160)
                try await Task.sleep(for: .milliseconds(20))
            }
            try await until("all packets are through") {
                trunk.pump()
                return trunk.heard.count == 20
            }
            let first = try #require(trunk.heard.first).header
            for (index, packet) in trunk.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                let drift = packet.header.timestamp.distance(after: first.timestamp &+ UInt32(index * 160))
                #expect(drift.magnitude <= 320)
            }
        }

        @Test("A closed gate keeps the caller's voice back while early media comes through")
        func gates() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.connect(browser.leg, leg, aToB: false, bToA: true)
            _ = await harness.engine.snapshot()
            // Early media before any description: the first source is heard.
            for _ in 0..<10 { trunk.say([UInt8](repeating: 0x55, count: 160), as: 0) }
            for _ in 0..<10 { browser.say([UInt8](repeating: 0x66, count: 160), as: 0, ticks: 160) }
            try await until("early media is heard") {
                browser.pump()
                return browser.heard.count == 10
            }
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            for _ in 0..<10 { browser.say([UInt8](repeating: 0x66, count: 160), as: 0, ticks: 160) }
            var snapshot = await harness.engine.snapshot()
            while snapshot.legs[0].packetsIn < 20 { snapshot = await harness.engine.snapshot() }
            trunk.pump()
            #expect(trunk.heard.isEmpty)
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            for _ in 0..<5 { browser.say([UInt8](repeating: 0x77, count: 160), as: 0, ticks: 160) }
            try await until("the answer opened the gate") {
                trunk.pump()
                return trunk.heard.count == 5
            }
            #expect(trunk.heard.allSatisfy { $0.payload.first == 0x77 })
        }

        @Test("A waiting browser gets silence, which the first sound ends under the same stream")
        func silenceUntilSound() async throws {
            let harness = try MediaHarness(patience: Patience())
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            try await until("silence arrives") {
                browser.pump()
                return browser.heard.count >= 5
            }
            #expect(browser.heard.allSatisfy { $0.header.payloadType == 0 && $0.payload.allSatisfy { $0 == 0xff } })
            harness.engine.connect(browser.leg, leg, aToB: false, bToA: true)
            _ = await harness.engine.snapshot()
            let spoken = [UInt8](repeating: 0x35, count: 160)
            for _ in 0..<10 {
                trunk.say(spoken, as: 0)
                try await Task.sleep(for: .milliseconds(20))
            }
            try await until("the sound is through") {
                browser.pump()
                return browser.heard.filter { $0.payload == spoken }.count == 10
            }
            let first = try #require(browser.heard.first).header
            for (index, packet) in browser.heard.enumerated() {
                #expect(packet.header.sequenceNumber == first.sequenceNumber &+ UInt16(index))
                #expect(packet.header.ssrc == first.ssrc)
            }
            let begin = try #require(browser.heard.firstIndex { $0.payload == spoken })
            #expect(browser.heard[begin...].allSatisfy { $0.payload == spoken })
            // Within 60 ms of the beat the beat is kept, so that the jitter buffer sees no jump.
            let step = browser.heard[begin].header.timestamp &- browser.heard[begin - 1].header.timestamp
            #expect(step >= 160 && step <= 640)
        }

        @Test("Reports go out in time and the last one says goodbye")
        func reports() async throws {
            let harness = try MediaHarness(patience: Patience(reports: .milliseconds(500), fillsTheWait: false))
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            try await until("both peers have a report") {
                browser.say([UInt8](repeating: 0xff, count: 160), as: 0, ticks: 160)
                trunk.say([UInt8](repeating: 0xff, count: 160), as: 0)
                browser.pump()
                trunk.pump()
                return !browser.reports.isEmpty && !trunk.reports.isEmpty
            }
            #expect(browser.reports.first?[1] == RTCP.PacketType.senderReport)
            #expect(trunk.reports.first?[1] == RTCP.PacketType.senderReport)
            harness.engine.close(browser.leg)
            harness.engine.close(leg)
            try await until("both peers have the goodbye") {
                browser.pump()
                trunk.pump()
                return browser.isClosedByBox && saysGoodbye(browser.reports.last) && saysGoodbye(trunk.reports.last)
            }
        }
    }
}

private func saysGoodbye(_ packet: [UInt8]?) -> Bool {
    guard let packet else { return false }
    return packet.withUnsafeBytes { bytes in
        guard var reader = try? RTCPReader(bytes) else { return false }
        while let next = try? reader.next() {
            if case .goodbye = next { return true }
        }
        return false
    }
}
