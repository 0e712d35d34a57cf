import Call
import Control
import Ledger
import Logging
import Media
import NIOPosix
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

/// A switchboard on the loopback interface, registered with a scripted provider.
final class Box: Sendable {
    let switchboard: Switchboard
    let transport: SIPTransport
    let provider: ScriptedProvider
    private let media: MediaEngine
    private let running: Task<Void, Never>
    private let log: Task<Void, Never>
    private let events: EventLog

    private final class EventLog: Sendable {
        let all = Mutex<[ControlEvent]>([])
    }

    /// What the ledger was told.
    final class RecordLog: Sendable {
        let all = Mutex<[CallRecord]>([])
    }

    let records: RecordLog
    let journal: Journal

    /// The sentences of the journal.
    final class Journal: Sendable {
        private let all = Mutex<[String]>([])

        func says(_ sentence: String) -> Bool { all.withLock { $0.contains(sentence) } }

        struct Handler: LogHandler {
            let journal: Journal
            var logLevel = Logger.Level.info
            var metadata: Logger.Metadata = [:]

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            // Bounded: some of these tests make thousands of calls.
            func log(event: LogEvent) {
                journal.all.withLock { if $0.count < 1000 { $0.append("\(event.message)") } }
            }
        }
    }

    func records(of call: CallIdentifier) -> [CallRecord] {
        records.all.withLock { $0.filter { $0.identifier == call } }
    }

    /// - Parameter change: of the settings.
    static func open(
        over transport: TransportProtocol = .udp, trunk: String = "", dialling: String = everything,
        _ change: (inout BoxSettings) -> Void = { _ in }
    ) async throws -> Box {
        let provider = try await ScriptedProvider.open()
        var settings = try Self.settings(provider: provider, over: transport, trunk: trunk, dialling: dialling)
        change(&settings)
        return try await open(settings, provider)
    }

    /// - Parameter resolver: who is asked for the providers' names.
    static func open(
        _ settings: BoxSettings, _ provider: ScriptedProvider, resolver: DNSClient = .system
    ) async throws -> Box {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let journal = Journal()
        let media = try MediaEngine.start(
            MediaConfiguration(
                browserListen: settings.media.listen, trunkListen: settings.sip.listen.map(\.host),
                trunkPorts: settings.media.ports), logger: quiet)
        let transport = try await SIPTransport.open(
            listen: settings.sip.listen, on: MultiThreadedEventLoopGroup.singleton)
        let records = RecordLog()
        let switchboard = Switchboard(
            settings: settings, transport: transport, media: media, version: "test", resolver: resolver,
            keep: { record in records.all.withLock { $0.append(record) } },
            figures: { ProcessFigures(openDescriptors: 0, threads: 0, residentBytes: 0) },
            log: Logger(label: "test") { _ in Journal.Handler(journal: journal) })
        let box = Box(switchboard, transport, provider, media, records, journal)
        try await box.wait("registered") { await box.switchboard.status().trunk.isUsable }
        return box
    }

    /// Rules that refuse nothing that these tests dial, as often as they like.
    static let everything = """
        country = "DE"
        allow_short_numbers = true
        calls_at_once_per_user = 10000
        calls_at_once = 10000
        new_calls_per_minute_per_user = 60000
        new_calls_per_minute = 60000
        """

    static func settings(
        provider: ScriptedProvider, password: String = "secret", listen: String = "127.0.0.1:0",
        codecs: String = "\"pcmu\", \"pcma\"", over transport: TransportProtocol = .udp, trunk: String = "",
        dialling: String = everything
    ) throws -> BoxSettings {
        try BoxSettings(
            toml: """
                [sip]
                listen = "\(listen)"
                [media]
                listen = "127.0.0.1:0"
                ports = "33000-33999"
                [trunk]
                server = "\(provider.address)"
                transport = "\(transport.rawValue)"
                user = "alice"
                password = "\(password)"
                codecs = [\(codecs)]
                \(trunk)
                [dialling]
                \(dialling)
                """, file: "test", readSecret: { _ in nil })
    }

    private init(
        _ switchboard: Switchboard, _ transport: SIPTransport, _ provider: ScriptedProvider, _ media: MediaEngine,
        _ records: RecordLog, _ journal: Journal
    ) {
        (self.records, self.journal) = (records, journal)
        (self.switchboard, self.transport, self.provider, self.media) = (switchboard, transport, provider, media)
        let events = EventLog()
        self.events = events
        running = Task { await switchboard.run() }
        log = Task {
            for await event in switchboard.events where !provider.isForgetful.load(ordering: .relaxed) {
                events.all.withLock { $0.append(event) }
            }
        }
    }

    struct TookTooLong: Error {
        let what: String
    }

    func wait(
        _ what: String, for patience: Duration = .seconds(30), until holds: () async -> Bool
    ) async throws {
        let deadline = MonotonicTime.now() + patience
        while !(await holds()) {
            guard MonotonicTime.now() < deadline else { throw TookTooLong(what: what) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// A new page that can be rung.
    func page() async -> ConnectionIdentifier {
        var generator = SystemRandomNumberGenerator()
        let page = ConnectionIdentifier(using: &generator)
        _ = await switchboard.handle(.attach(connection: page, user: "admin"))
        return page
    }

    /// Lets the provider call, and waits until this page rings.
    func ring(_ page: ConnectionIdentifier) async throws -> CallIdentifier {
        provider.call(transport.localAddress)
        try await wait("ringing") { self.incoming(page) != nil }
        return try #require(incoming(page))
    }

    func incoming(_ page: ConnectionIdentifier) -> CallIdentifier? {
        events.all.withLock {
            for case .incoming(page, let call, _, _, _) in $0 { return call }
            return nil
        }
    }

    /// What this page was told of the caller's number.
    func verification(_ page: ConnectionIdentifier) -> CallerVerification? {
        events.all.withLock {
            for case .incoming(page, _, _, _, let verification) in $0 { return verification }
            return nil
        }
    }

    /// The call that this page is summoned to.
    func summons(_ page: ConnectionIdentifier) -> CallIdentifier? {
        events.all.withLock {
            for case .summons(page, let call, _) in $0 { return call }
            return nil
        }
    }

    /// The accounts that a call was dialled by, as the watchers were told.
    func trunks(dialledFor call: CallIdentifier) -> [String?] {
        events.all.withLock {
            $0.compactMap {
                guard case .box(let event) = $0, event.call == call, event.kind == .callDialling else { return nil }
                return .some(event.trunk)
            }
        }
    }

    /// What the watchers of the box were told about a call.
    func kinds(of call: CallIdentifier) async -> [BoxEvent.Kind] {
        events.all.withLock {
            $0.compactMap { if case .box(let event) = $0, event.call == call { event.kind } else { nil } }
        }
    }

    func end(of call: CallIdentifier, on page: ConnectionIdentifier) -> EndReason? {
        events.all.withLock {
            for case .ended(page, call, let reason) in $0 { return reason }
            return nil
        }
    }

    /// Who holds the call, as this page was told last.
    func held(_ call: CallIdentifier, on page: ConnectionIdentifier) -> (here: Bool, there: Bool)? {
        events.all.withLock {
            for case .held(page, call, let here, let there) in $0.reversed() { return (here, there) }
            return nil
        }
    }

    func notices(of call: CallIdentifier, on page: ConnectionIdentifier) -> [String] {
        events.all.withLock {
            $0.compactMap { if case .notice(page, call, let problem) = $0 { problem.code } else { nil } }
        }
    }

    func digits(of call: CallIdentifier, on page: ConnectionIdentifier) -> String {
        events.all.withLock {
            $0.compactMap { if case .digit(page, call, let digit) = $0 { digit } else { nil } }.joined()
        }
    }

    /// A call from a page that the provider has answered.
    func talk(_ page: ConnectionIdentifier, to number: String = "100") async throws -> CallIdentifier {
        provider.answersCalls.store(true, ordering: .relaxed)
        let reply = await switchboard.handle(.start(connection: page, to: Redacted(number), offer: Self.offer))
        guard case .media(let call, _) = reply else { throw TookTooLong(what: "\(reply)") }
        try await wait("answer") { await self.switchboard.calls[call]?.call.publicState == .active }
        return call
    }

    /// Nothing is held for any call any more.
    func expectNothingLeft() async throws {
        try await wait("the end of the dialogs") { await self.switchboard.status().dialogs == 0 }
        let status = await switchboard.status()
        #expect(status.calls == 0)
        #expect(status.legs == 0)
        #expect(status.mediaLegs == 0)
        #expect(status.mediaSockets == 1)
    }

    func close() async {
        await switchboard.stop()
        running.cancel()
        await running.value
        await log.value
        await transport.close()
        await provider.transport.close()
        media.stop()
    }

    static let offer = Redacted(
        """
        v=0\r
        o=- 1 2 IN IP4 127.0.0.1\r
        s=-\r
        t=0 0\r
        m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r
        c=IN IP4 0.0.0.0\r
        a=ice-ufrag:page\r
        a=ice-pwd:0123456789012345678901\r
        a=fingerprint:sha-256 \((0..<32).map { _ in "AB" }.joined(separator: ":"))\r
        a=setup:actpass\r
        a=mid:0\r
        a=sendrecv\r
        a=rtcp-mux\r
        a=rtpmap:111 opus/48000/2\r
        a=rtpmap:0 PCMU/8000\r

        """)
}
