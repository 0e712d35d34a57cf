import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Junk from strangers and from a hostile peer")
    struct JunkTests {
        @Test("20,000 mutated datagrams of each protocol leave the call as it is")
        func survives() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            let stranger = try TestSocket()
            var random = SeededGenerator(seed: 20_26)
            let speech = [UInt8](repeating: 0x7f, count: 160)
            let samples: [[UInt8]] = [
                browser.makeCheck(), browser.makeCheck(nominate: false, password: "0123456789012345678901"),
                [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1, 0, 0, 28] + [UInt8](repeating: 3, count: 36),
                [23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 30] + [UInt8](repeating: 9, count: 30),
                [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 2, 40],
                rtpPacket(0, sequence: 9, timestamp: 9, ssrc: 9, speech),
                browser.nextPacket(speech, as: 0, ticks: 160),
                [0x81, 201, 0, 7] + [UInt8](repeating: 4, count: 28),
            ]
            for round in 0..<20_000 {
                // A whole check from elsewhere would be a change of address, so at least one byte is wrong.
                let datagram = mutate(samples[Int.random(in: 0..<samples.count, using: &random)], &random)
                // From a stranger, from the validated address itself, and at the trunk's ports.
                switch round % 4 {
                case 0: stranger.send(datagram, to: browser.port)
                case 1: browser.socket.send(datagram, to: browser.port)
                case 2: trunk.rtp.send(datagram, to: trunk.boxPort)
                default: trunk.rtcp.send(datagram, to: trunk.boxPort + 1)
                }
                if round % 64 == 0 { _ = await harness.engine.snapshot() }
                if round % 1_024 == 0 {
                    browser.pump()
                    trunk.pump()
                }
            }
            let snapshot = await harness.engine.snapshot()
            print("junk: \(snapshot.dropped.sorted { $0.key < $1.key })")
            #expect(snapshot.legs.count == 2)
            #expect(snapshot.sockets == 3)
            #expect(snapshot.validatedAddresses <= BrowserLeg.maximumAddresses)
            browser.pump()
            trunk.pump()
            browser.forget()
            trunk.forget()
            // A browser goes on checking, whatever else happens.
            browser.check()
            for _ in 0..<10 {
                browser.say(speech, as: 0, ticks: 160)
                trunk.say(speech, as: 0)
                try await Task.sleep(for: .milliseconds(5))
            }
            try await until("the call still speaks both ways") {
                browser.pump()
                trunk.pump()
                return trunk.heard.filter { $0.payload == speech }.count >= 9
                    && browser.heard.filter { $0.payload == speech }.count >= 8
            }
            let second = try await harness.connectedBrowser(3)
            #expect(second.isConnected)
        }

        private func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
            var result = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) where !result.isEmpty {
                let at = Int.random(in: 0..<result.count, using: &random)
                switch UInt8.random(in: 0...3, using: &random) {
                case 0: result[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: result[at] = UInt8.random(in: 0...255, using: &random)
                case 2: result.removeSubrange(at...)
                default: result.insert(UInt8.random(in: 0...255, using: &random), at: at)
                }
            }
            return result
        }
    }
}
