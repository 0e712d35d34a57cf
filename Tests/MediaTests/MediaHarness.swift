import Logging
import SDP
import Synchronization
import Testing
import Wire

@testable import Media

/// Every test that starts an engine: one after the other, because the libraries' live objects are counted for
/// the whole process.
@Suite("Media engine", .serialized)
struct MediaEngineTests {}

let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// An engine on free ports, and what it told.
final class MediaHarness: Sendable {
    let engine: MediaEngine
    /// Apart from the harness, so that the task that fills it does not keep the engine alive.
    private final class Log: Sendable {
        let events = Mutex<[MediaEvent]>([])
    }

    private let log = Log()

    init(
        listen local: NetworkAddress.Host = .ipv4(0x7f00_0001), trunkPorts: ClosedRange<UInt16> = 31_000...32_767,
        patience: Patience = Patience(fillsTheWait: false)
    ) throws {
        engine = try MediaEngine.start(
            MediaConfiguration(
                browserListen: NetworkAddress(host: local, port: 0), trunkListen: [local], trunkPorts: trunkPorts),
            patience: patience, logger: silentLogger)
        Task { [log, events = engine.events] in
            for await event in events { log.events.withLock { $0.append(event) } }
        }
    }

    deinit {
        engine.stop()
    }

    var events: [MediaEvent] { log.events.withLock { $0 } }

    func saw(_ event: MediaEvent) -> Bool { events.contains(event) }

    /// The code of the leg's first failure.
    func failure(of leg: LegIdentifier) -> String? {
        for case .failed(leg, let problem) in events { return problem.code }
        return nil
    }

    func digits(_ leg: LegIdentifier) -> String {
        String(
            events.compactMap { event -> Character? in
                if case .digit(leg, let digit) = event { digit } else { nil }
            })
    }

    /// A browser whose sound may flow.
    func connectedBrowser(_ leg: UInt64, codecs: [AudioCodec] = [.opus, .pcmu, .pcma]) async throws -> TestBrowser {
        let browser = try TestBrowser(leg, engine: engine, codecs: codecs)
        browser.check()
        try await until("the check is answered") {
            browser.pump()
            return browser.answeredChecks > 0
        }
        browser.startHandshake()
        try await until("SRTP has its keys at both ends") {
            browser.pump()
            return browser.isConnected && saw(.connected(browser.leg))
        }
        return browser
    }

    func openTrunk(_ leg: UInt64) throws -> (leg: LegIdentifier, trunk: TestTrunk) {
        let identifier = LegIdentifier(number: leg)
        return (identifier, try TestTrunk(boxPort: try engine.openTrunkLeg(identifier, over: .ipv4)))
    }
}

/// Waits for a condition, at most 5 s.
func until(
    _ what: String, within limit: Duration = .seconds(5), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let deadline = MonotonicTime.now() + limit
    while try !condition() {
        guard MonotonicTime.now() < deadline else {
            Issue.record("Not in time: \(what)", sourceLocation: sourceLocation)
            throw Problem(code: "test.deadline", sentence: what)
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}
