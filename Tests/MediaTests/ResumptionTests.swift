import Foundation
import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Legs go on in another process")
    struct ResumptionTests {
        static let silence = [UInt8](repeating: 0xff, count: 160)

        /// The encoded legs, and nothing else, handed to another engine with sockets of its own.
        static func handOver(_ old: MediaHarness, to new: MediaHarness) async throws -> [LegIdentifier: UInt16] {
            let states = await old.engine.checkpoint()
            let bytes = try JSONEncoder().encode(states)
            let read = try JSONDecoder().decode([LegState].self, from: bytes)
            #expect(read == states)
            var random = SystemRandomNumberGenerator()
            var ports: [LegIdentifier: UInt16] = [:]
            var resumed: [ResumedLeg] = []
            for state in read {
                var each = ResumedLeg(state: state)
                if case .trunk = state.transport {
                    let sockets = try PortRange(31_000...32_767).open(on: .ipv4(0x7f00_0001), using: &random)
                    ports[state.identifier] = sockets.rtp.local.port
                    each.sockets = sockets
                }
                resumed.append(each)
            }
            new.engine.resume(resumed)
            return ports
        }

        @Test("A call's sound goes on both ways, over SRTP's rollover, with no word from the page", arguments: [3, 9])
        func goesOn(before: Int) async throws {
            let old = try MediaHarness()
            let browser = try await old.connectedBrowser(1, codecs: [.pcmu])
            let (leg, trunk) = try old.openTrunk(2)
            old.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            old.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await old.engine.snapshot()
            // The browser's sequence numbers start six packets before their wrap.
            for _ in 0..<before {
                browser.say(Self.silence, as: 0, ticks: 160)
                trunk.say(Self.silence, as: 0)
            }
            try await until("both hear the call") {
                browser.pump()
                trunk.pump()
                return browser.heard.count == before && trunk.heard.count == before
            }
            let (toBrowser, toTrunk) = (try #require(browser.heard.last), try #require(trunk.heard.last))
            browser.forget()
            trunk.forget()

            let new = try MediaHarness()
            let ports = try await Self.handOver(old, to: new)
            browser.port = new.engine.browserPort
            trunk.boxPort = try #require(ports[leg])
            let figures = await new.engine.snapshot()
            #expect(figures.legs.map(\.identifier) == [browser.leg, leg])
            #expect(figures.legs.map(\.packetsOut) == [UInt64(before), UInt64(before)])
            for _ in 0..<8 {
                browser.say(Self.silence, as: 0, ticks: 160)
                trunk.say(Self.silence, as: 0)
            }
            try await until("both hear the call again") {
                browser.pump()
                trunk.pump()
                return browser.heard.count == 8 && trunk.heard.count == 8
            }
            for (earlier, now) in [(toBrowser, browser.heard), (toTrunk, trunk.heard)] {
                let first = try #require(now.first)
                #expect(first.header.ssrc != earlier.header.ssrc)
                #expect(Set(now.map(\.header.ssrc)).count == 1)
                #expect(first.header.sequenceNumber < 0x8000)
                // By the time that has passed: less than 10 s of it.
                let ahead = first.header.timestamp.distance(after: earlier.header.timestamp)
                #expect(ahead >= 160 && ahead < 80_000)
            }
            // What the browser sent to the process before is not taken a second time.
            let snapshot = await new.engine.snapshot()
            #expect(snapshot.dropped.isEmpty)
            #expect(snapshot.legs.first?.lost == 0)
        }

        @Test("A handshake that has not finished is not handed over, and a leg without its sockets fails")
        func unfinished() async throws {
            let old = try MediaHarness()
            let absent = try TestBrowser(7, engine: old.engine)
            let (leg, _) = try old.openTrunk(8)
            let states = await old.engine.checkpoint()
            #expect(states.map(\.identifier) == [leg])
            let new = try MediaHarness()
            new.engine.resume(states.map { ResumedLeg(state: $0) })
            try await until("the leg has failed") { new.failure(of: leg) == "media.not-resumed" }
            #expect(new.failure(of: absent.leg) == nil)
            #expect(await new.engine.snapshot().legs.isEmpty)
        }

        @Test("What a leg's state holds shows no key and no password when printed")
        func redacted() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let states = await harness.engine.checkpoint()
            let shown = "\(states)" + String(reflecting: states)
            #expect(states.count == 1 && shown.contains("‹redacted›"))
            #expect(!shown.contains(browser.box.password.revealed))
        }
    }
}
