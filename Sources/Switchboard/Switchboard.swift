// Switchboard: the one actor that turns inputs into effects.
//
// In the room: which legs belong to which call, which browsers are there, the trunk's life, and the carrying out of
// what `Call` and the SIP user agent decide. Never in the room: parsing, retransmission, RTP, any database or page.
import Call
package import Control
package import Ledger
package import Logging
package import Media
import NIOCore
import SDP
import SIP
import SIPTrace
package import SIPTransport
package import Settings
import Wire

/// What the kernel counts for this process.
package struct ProcessFigures: Sendable {
    package var openDescriptors: Int
    package var threads: Int
    package var residentBytes: Int

    package init(openDescriptors: Int, threads: Int, residentBytes: Int) {
        self.openDescriptors = openDescriptors
        self.threads = threads
        self.residentBytes = residentBytes
    }
}

/// Every input comes in as one call of a method here, is handed to the machine that understands it, and the
/// machine's effects are carried out before the next input is looked at.
///
/// It lives on the loop of the sockets for SIP, where its effects are carried out without waking another thread; only waiting
/// for the next input still passes by the pool of threads. Nothing here may block, then: it would hold up the sockets, and the watchdog finds
/// both of them hanging.
package actor Switchboard {
    package nonisolated let unownedExecutor: UnownedSerialExecutor
    var settings: BoxSettings
    let transport: SIPTransport
    let media: MediaEngine
    let log: Logger
    private let version: String
    /// For User-Agent and Server.
    let product: String
    let figures: @Sendable () -> ProcessFigures
    private let startTime = MonotonicTime.now()
    private let started = WallTime.now()

    /// What the web process is told. Ends after ``stop()``.
    package nonisolated let events: AsyncStream<ControlEvent>
    private let eventContinuation: AsyncStream<ControlEvent>.Continuation

    var generator = BufferedRandomGenerator()
    var userAgent: UserAgent
    /// Who may dial what, and what counts against the caps.
    var dialling = DiallingPolicy()
    let resolver: DNSClient
    /// The accounts with providers, in the order in which they are tried.
    var lines: [TrunkLine]
    var lastLine: UInt64
    /// What was told of them all together.
    var toldTrunk: TrunkStatus
    /// What was found out about providers, by the account's name.
    var measured: [String: ProviderMeasurements]
    let remember: @Sendable ([String: ProviderMeasurements]) -> Void
    let keep: @Sendable (CallRecord) -> Void
    /// The last records of calls that are over, until the figures of their sound are known.
    var endings: [CallIdentifier: Ending] = [:]
    var phones: [ConnectionIdentifier: Phone] = [:]
    var calls: [CallIdentifier: OngoingCall] = [:]
    var callOfLeg: [LegIdentifier: CallIdentifier] = [:]
    /// Sides of calls that are over, until the media engine has told their last figures.
    var closing: [LegIdentifier: ClosingLeg] = [:]
    var history = EventHistory()
    /// The number of the newest event of the box.
    var lastEvent: UInt64 = 0
    /// The SIP messages of lately.
    var trace = TraceRing()
    /// Whose numbers were shown last, and when that became an event.
    var numbersTold: (subject: TraceSubject, at: MonotonicTime)?
    /// The machine's addresses, and when they were listed.
    var knownAddresses: (hosts: [NetworkAddress.Host], at: MonotonicTime)?
    /// For what strangers can cause.
    var refusalLines = LineLimit(burst: 20, interval: .seconds(3))
    var dialRefusalLines = LineLimit(burst: 20, interval: .seconds(3))
    var forgeryLines = LineLimit(burst: 5, interval: .seconds(60))
    var questions: [UInt64: Question] = [:]
    var lastQuestion: UInt64 = 0
    private var nextLeg: UInt64 = 1
    private var timer: (deadline: MonotonicTime, task: Task<Void, Never>)?
    private(set) var stopping = false
    /// No new calls are taken.
    var draining = false
    /// Addresses of providers that only calls speak to: of a former configuration, or a server that another stood in for.
    var retiredTargets: Set<SIPPeer> = []

    /// - Parameters:
    ///   - measured: what was found out about providers before.
    ///   - remember: keeps what is found out; it must not wait for anything.
    ///   - keep: takes the record of a call, told at its dial, its answer and its end; it must not wait for anything.
    package init(
        settings: BoxSettings, transport: SIPTransport, media: MediaEngine, version: String,
        resolver: DNSClient = .system, measured: [String: ProviderMeasurements] = [:],
        remember: @escaping @Sendable ([String: ProviderMeasurements]) -> Void = { _ in },
        keep: @escaping @Sendable (CallRecord) -> Void = { _ in },
        figures: @escaping @Sendable () -> ProcessFigures, log: Logger
    ) {
        self.settings = settings
        self.transport = transport
        // The transport holds the loop for as long as there is this actor.
        unownedExecutor = transport.loop.executor.asUnownedSerialExecutor()
        self.media = media
        let loop = transport.loop
        media.wakes { wake in loop.execute(wake) }
        self.version = version
        product = "SIPCall/\(version)"
        self.figures = figures
        self.log = log
        (events, eventContinuation) = AsyncStream.makeStream()
        self.resolver = resolver
        self.measured = measured.filter { entry in settings.trunks.contains { $0.name == entry.key } }
        self.remember = remember
        self.keep = keep
        lines = settings.trunks.enumerated().map { TrunkLine($0.element, number: UInt64($0.offset)) }
        lastLine = UInt64(lines.count)
        toldTrunk = Self.summary(lines)
        userAgent = UserAgent(
            contact: NetworkAddress(
                host: Self.contactHost(settings, local: transport.localAddress.host), port: transport.localAddress.port),
            product: product, asksOwner: true)
    }

    /// Takes inputs until it is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.takeMessages() }
            group.addTask { await self.takeMediaEvents() }
            group.addTask { await self.findProviders() }
            group.addTask { await self.beat() }
        }
    }

    private func takeMessages() async {
        for await input in transport.inputs {
            transport.taken()
            switch input {
            case .message(let message, let source):
                guard isBelievable(message, from: source) else { break }
                traceReceived(message, from: source)
                perform(
                    userAgent.received(
                        message, from: source.address, over: source.transport, now: .now(), using: &generator))
            case .unreachable(let peer, let problem):
                for index in lines.indices where lines[index].route?.target == peer {
                    lines[index].connectionProblem = problem
                }
                perform(userAgent.transportFailed(to: peer.address, now: .now(), using: &generator))
            case .lost(let peer): connectionLost(to: peer)
            }
            schedule()
        }
    }

    private func takeMediaEvents() async {
        for await event in media.events {
            take(event)
            schedule()
        }
    }

    func makeLeg() -> LegIdentifier {
        defer { nextLeg += 1 }
        return LegIdentifier(number: nextLeg)
    }

    func publish(_ event: ControlEvent) {
        eventContinuation.yield(event)
    }

    /// The address that stands in Contact and SDP: the advertised one of that family, else the one the socket or the route
    /// has.
    static func contactHost(_ settings: BoxSettings, local: NetworkAddress.Host) -> NetworkAddress.Host {
        if let advertised = settings.media.advertised(local.family) { return advertised }
        guard local.isUnspecified else { return local }
        let own = LocalAddress.all()
        return own.first { $0.family == local.family } ?? own.first ?? .ipv4(0x7f00_0001)
    }
}

// MARK: - Time

extension Switchboard {
    /// Deadlines this close together are met at once: each waking costs, and no timer of SIP is shorter than 500 ms.
    private static let timerGrain: Duration = .milliseconds(10)

    /// Sets the one timer to the earliest deadline of all machines.
    func schedule() {
        leaveRetiredTargets()
        let deadlines =
            [userAgent.nextDeadline] + lines.flatMap { [$0.deadline, $0.check?.deadline] }
            + calls.values.map(\.deadline) + phones.values.map(\.lostUntil)
        guard let earliest = deadlines.compactMap(\.self).min() else {
            timer?.task.cancel()
            timer = nil
            return
        }
        let next = earliest.rounded(upTo: Self.timerGrain)
        if let timer, timer.deadline <= next { return }
        timer?.task.cancel()
        timer = (
            next,
            Task {
                let delay = max(.zero, next - .now())
                // By CLOCK_BOOTTIME, as the deadlines are: a machine that slept is on time again as soon as it wakes, and
                // setting the wall clock changes nothing.
                try? await Task.sleep(for: delay, clock: .continuous)
                guard !Task.isCancelled else { return }
                self.timeHasCome()
            }
        )
    }

    private func timeHasCome() {
        timer = nil
        let now = MonotonicTime.now()
        perform(userAgent.advance(to: now, using: &generator))
        takeWhatIsDue(at: now)
        forgetLost(now: now)
        lookUpWhatIsDue(now: now)
        askWhatIsDue(now: now)
        schedule()
    }

    /// What calls wait for.
    func takeWhatIsDue(at now: MonotonicTime) {
        for (identifier, ongoing) in calls {
            if let deadline = ongoing.call.deadline, now >= deadline {
                update(identifier) { $0.advance(to: now) }
            }
            if let deadline = ongoing.soundDeadline, now >= deadline {
                update(identifier) { $0.terminate(ongoing.soundLostAt != nil ? .browserGone : .mediaFailed) }
            }
            if let forwardAt = ongoing.forwardAt, now >= forwardAt { passOn(identifier) }
            if let joinedUntil = ongoing.joinedUntil, now >= joinedUntil { withdraw(identifier) }
        }
    }
}

// MARK: - Status and end

extension Switchboard {
    func status() async -> BoxStatus {
        let sound = await media.snapshot()
        let figures = figures()
        var status = BoxStatus(
            version: version, uptimeSeconds: uptimeSeconds,
            trunk: trunkStatus, calls: calls.count, legs: callOfLeg.count, dialogs: userAgent.counts.dialogs,
            transactions: userAgent.counts.transactions, mediaLegs: sound.legs.count, mediaSockets: sound.sockets,
            opusStates: sound.opusEncoders + sound.opusDecoders, openDescriptors: figures.openDescriptors,
            threads: figures.threads, residentBytes: figures.residentBytes, pages: pageCount, list: callList)
        status.started = started
        status.listens = transport.localAddresses
        status.draining = draining
        status.callsDialled = dialling.runningCount
        status.callsDialledLimit = settings.dialling.callsAtOnce
        status.trunks = lines.map(\.status)
        status.measured = measured
        return status
    }

    var uptimeSeconds: Int { Int((MonotonicTime.now() - startTime).components.seconds) }

    /// The oldest first.
    private var callList: [CallStatus] {
        let now = MonotonicTime.now()
        let oldest = calls.values.sorted { $0.begunAt < $1.begunAt }.prefix(BoxStatus.mostListed)
        return oldest.map { ongoing in
            var status = CallStatus(
                call: ongoing.call.identifier, direction: ongoing.call.direction, state: ongoing.call.publicState,
                far: ongoing.farNumber?.masked ?? ongoing.service?.code ?? "",
                seconds: Int((now - ongoing.begunAt).components.seconds),
                talkSeconds: ongoing.answeredAt.map { Int((now - $0).components.seconds) })
            status.trunk = ongoing.trunk
            return status
        }
    }

    /// Returns once the actor took its turn: the watchdog's probe.
    package func probe() {}

    package func snapshot() -> ControlSnapshot {
        let now = MonotonicTime.now()
        return ControlSnapshot(
            trunk: trunkStatus,
            calls: calls.values.flatMap { ongoing in
                ongoing.audience(phones).map { ongoing.summary(for: $0, now: now) }
            }, draining: draining)
    }

    /// What a stop gives the provider for its answers: three tries over UDP (at once, after 0.5 s and after 1.5 s). The process
    /// is to be gone 2 s after SIGTERM, with all that comes after this.
    static let farewellTime: Duration = .milliseconds(1550)

    /// Hangs up every call, takes the registration back, and waits until the provider confirmed all of it, at most
    /// ``farewellTime``: a call whose CANCEL or BYE did not arrive costs money on. What is still unanswered then is left.
    package func stop() async {
        stopping = true
        for identifier in calls.keys { update(identifier) { $0.terminate(.boxStopping) } }
        perform(userAgent.unregister(now: .now(), using: &generator))
        // Nobody is asked any more; a question that stays due would wake the timer without end.
        for index in lines.indices { lines[index].check = nil }
        schedule()
        let deadline = MonotonicTime.now() + Self.farewellTime
        while userAgent.awaitsAnswer, MonotonicTime.now() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        timer?.task.cancel()
        timer = nil
        for identifier in endings.keys { tellEnding(of: identifier) }
        for number in questions.keys { answered(number, .noReply) }
        eventContinuation.finish()
    }
}

extension MonotonicTime {
    /// The next whole multiple of this step.
    fileprivate func rounded(upTo step: Duration) -> MonotonicTime {
        let rest = nanoseconds % step.nanoseconds
        return rest == 0 ? self : self + (step - .nanoseconds(rest))
    }
}
