import Glibc
import RTP
import SDP
import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Legs come and go")
    struct LifecycleTests {
        @Test("After 200 bridged legs nothing is left and no descriptor more is open")
        func leavesNothing() async {
            // In a process of its own: live objects and descriptors are counted for the whole process.
            await #expect(processExitsWith: .success) {
                let harness = try MediaHarness()
                // What is opened once (random devices, the libraries' own) is opened by the first call.
                try await LifecycleTests.call(harness, number: 1_000)
                let before = LifecycleTests.openDescriptors()
                for number in 0..<100 { try await LifecycleTests.call(harness, number: UInt64(2 * number + 2)) }
                let snapshot = await harness.engine.snapshot()
                try #require(snapshot.legs.isEmpty)
                try #require(snapshot.sockets == 1)
                try #require(snapshot.dtlsEndpoints == 0)
                try #require(snapshot.opusEncoders == 0)
                try #require(snapshot.opusDecoders == 0)
                try #require(snapshot.validatedAddresses == 0)
                try #require(LifecycleTests.openDescriptors() <= before)
            }
        }

        /// One call with Opus at the browser and PCMU at the trunk.
        private static func call(_ harness: MediaHarness, number: UInt64) async throws {
            let browser = try await harness.connectedBrowser(number, codecs: [.opus])
            let (leg, trunk) = try harness.openTrunk(number + 1)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            _ = await harness.engine.snapshot()
            // 20 ms of silence in Opus (RFC 6716 §3.1: CELT, narrowband, one frame).
            browser.say([0x98, 0xff, 0xfe], as: TestBrowser.opus, ticks: 960)
            trunk.say([UInt8](repeating: 0xff, count: 160), as: 0)
            try await until("both hear a packet") {
                browser.pump()
                trunk.pump()
                return !browser.heard.isEmpty && !trunk.heard.isEmpty
            }
            harness.engine.close(browser.leg)
            harness.engine.close(leg)
            try await until("the browser is told") {
                browser.pump()
                return browser.isClosedByBox
            }
        }

        private static func openDescriptors() -> Int {
            guard let directory = opendir("/proc/self/fd") else { return -1 }
            defer { closedir(directory) }
            var count = 0
            while readdir(directory) != nil { count += 1 }
            return count
        }

        @Test("A browser that never comes fails with the remedy, one that goes silent loses consent, once")
        func consent() async throws {
            let patience = Patience(consent: .milliseconds(600), silence: .milliseconds(600), fillsTheWait: false)
            let harness = try MediaHarness(patience: patience)
            let absent = try TestBrowser(7, engine: harness.engine)
            let browser = try await harness.connectedBrowser(1)
            try await until("both are missed") {
                harness.saw(.consentLost(browser.leg)) && harness.failure(of: absent.leg) == "media.unreachable"
            }
            try await Task.sleep(for: .milliseconds(600))
            #expect(harness.events.filter { $0 == .consentLost(browser.leg) }.count == 1)
        }

        @Test("A trunk that stops sending in a connected call is silent, once")
        func silence() async throws {
            let harness = try MediaHarness(patience: Patience(silence: .milliseconds(600), fillsTheWait: false))
            let browser = try await harness.connectedBrowser(1)
            let (leg, trunk) = try harness.openTrunk(2)
            harness.engine.setTrunkAudio(leg, trunk.audio(.pcmu))
            harness.engine.connect(browser.leg, leg, aToB: false, bToA: true)
            try await Task.sleep(for: .milliseconds(1_200))
            #expect(!harness.saw(.silent(leg)))
            // Whatever it may send now: nothing came at all, and that is told again while it lasts.
            let alarms = harness.events.compactMap { if case .nothingHeard(leg, let time) = $0 { time } else { nil } }
            #expect(alarms.first.map { $0 >= .milliseconds(600) && $0 < .milliseconds(1_200) } == true)
            trunk.say([UInt8](repeating: 0xff, count: 160), as: 0)
            _ = await harness.engine.snapshot()
            harness.engine.connect(browser.leg, leg, aToB: true, bToA: true)
            try await until("silence is told") { harness.saw(.silent(leg)) }
            try await Task.sleep(for: .milliseconds(900))
            #expect(harness.events.filter { $0 == .silent(leg) }.count == 1)
        }

        @Test("A wrong fingerprint fails the leg")
        func wrongFingerprint() async throws {
            let harness = try MediaHarness()
            let browser = try TestBrowser(1, engine: harness.engine)
            let other = try #require(Fingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 1, count: 32)))
            harness.engine.openBrowserLeg(
                browser.leg, local: browser.box, remote: browser.own, remoteFingerprint: other,
                audio: BrowserAudio(formats: []), ssrc: 1, cname: "box")
            browser.check()
            try await until("the check is answered") {
                browser.pump()
                return browser.answeredChecks > 0
            }
            browser.startHandshake()
            try await until("the leg fails") {
                browser.pump()
                return harness.failure(of: browser.leg) == "media.fingerprint-mismatch"
            }
        }

        @Test("A port in use is named in one sentence")
        func portInUse() throws {
            let harness = try MediaHarness()
            let taken = NetworkAddress(host: .ipv4(0x7f00_0001), port: harness.engine.browserPort)
            let problem = #expect(throws: Problem.self) {
                try MediaEngine.start(
                    MediaConfiguration(browserListen: taken, trunkListen: [taken.host], trunkPorts: 31_000...31_001),
                    logger: silentLogger)
            }
            #expect(problem?.code == "media.port-in-use")
            #expect(problem?.sentence.contains("\(taken.port)") == true)
        }

        @Test("Trunk ports come in pairs of the range until none is left")
        func portPairs() async throws {
            let harness = try MediaHarness(trunkPorts: 30_001...30_008)
            var ports: Set<UInt16> = []
            for number in 0..<3 {
                ports.insert(try harness.engine.openTrunkLeg(LegIdentifier(number: UInt64(number)), over: .ipv4))
            }
            #expect(ports == [30_002, 30_004, 30_006])
            let problem = #expect(throws: Problem.self) {
                try harness.engine.openTrunkLeg(LegIdentifier(number: 9), over: .ipv4)
            }
            #expect(problem?.code == "media.no-free-port")
            harness.engine.close(LegIdentifier(number: 1))
            _ = await harness.engine.snapshot()
            #expect(ports.contains(try harness.engine.openTrunkLeg(LegIdentifier(number: 9), over: .ipv4)))
        }

        @Test("After stop nothing runs, the events end and commands are harmless")
        func stops() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            harness.engine.stop()
            harness.engine.stop()
            try await until("the browser is told") {
                browser.pump()
                return browser.isClosedByBox
            }
            harness.engine.close(browser.leg)
            #expect(await harness.engine.snapshot().sockets == 0)
            #expect(throws: Problem.self) { try harness.engine.openTrunkLeg(LegIdentifier(number: 1), over: .ipv4) }
        }
    }
}
