// Switchboard: the one actor that turns inputs into effects.
//
// In the room: which legs belong to which call, which browsers are there, the trunk's life, and the carrying out of
// what `Call` and the SIP user agent decide. Never in the room: parsing, retransmission, RTP, any database or page.
import Call
package import Control
package import Logging
package import Media
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
package actor Switchboard {
    var settings: BoxSettings
    let transport: SIPTransport
    let media: MediaEngine
    let log: Logger
    private let version: String
    /// For User-Agent and Server.
    let product: String
    let figures: @Sendable () -> ProcessFigures
    private let startTime = MonotonicTime.now()

    /// What the web process is told. Ends after ``stop()``.
    package nonisolated let events: AsyncStream<ControlEvent>
    private let eventContinuation: AsyncStream<ControlEvent>.Continuation

    var generator = SystemRandomNumberGenerator()
    var userAgent: UserAgent
    var trunkStatus: TrunkStatus
    /// Where the provider is, and which of our addresses its route leaves from.
    var trunkRoute: TrunkRoute?
    /// There is no route to the provider that was found.
    var isCutOff = false
    /// Why the last connection to the provider did not come about, if the network said more than that.
    var connectionProblem: Problem?
    /// When the last connection to the provider was lost.
    var connectionLostAt: MonotonicTime?
    /// When the provider's name is looked up again, after that failed.
    var lookUpAgain: (at: MonotonicTime, delay: Duration)?
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
    /// For what strangers can cause.
    var refusalLines = LineLimit(burst: 20, interval: .seconds(3))
    var forgeryLines = LineLimit(burst: 5, interval: .seconds(60))
    /// Where the registrar sees us.
    var seenAt: NetworkAddress?
    var questions: [UInt64: Question] = [:]
    var lastQuestion: UInt64 = 0
    private var nextLeg: UInt64 = 1
    private var timer: (deadline: MonotonicTime, task: Task<Void, Never>)?
    private(set) var stopping = false
    /// No new calls are taken.
    var draining = false
    /// Providers that only calls of a former configuration speak to.
    var retiredTargets: Set<SIPPeer> = []

    struct TrunkRoute: Equatable {
        var target: SIPPeer
        var local: NetworkAddress.Host
    }

    package init(
        settings: BoxSettings, transport: SIPTransport, media: MediaEngine, version: String,
        figures: @escaping @Sendable () -> ProcessFigures, log: Logger
    ) {
        self.settings = settings
        self.transport = transport
        self.media = media
        self.version = version
        product = "SIPCall/\(version)"
        self.figures = figures
        self.log = log
        (events, eventContinuation) = AsyncStream.makeStream()
        trunkStatus = TrunkStatus(name: settings.trunk?.name ?? "", state: settings.trunk == nil ? .none : .registering)
        userAgent = UserAgent(
            contact: NetworkAddress(
                host: Self.contactHost(settings, local: transport.localAddress.host), port: transport.localAddress.port),
            product: product)
    }

    /// Takes inputs until it is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.takeMessages() }
            group.addTask { await self.takeMediaEvents() }
            group.addTask { await self.findProvider() }
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
                perform(userAgent.received(message, from: source.address, now: .now(), using: &generator))
            case .unreachable(let peer, let problem):
                if peer == trunkRoute?.target { connectionProblem = problem }
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

    /// The address that stands in Contact and SDP: the advertised one, else the one the socket or the route has.
    static func contactHost(_ settings: BoxSettings, local: NetworkAddress.Host) -> NetworkAddress.Host {
        if let advertised = settings.media.advertise.first { return advertised }
        return local.isUnspecified ? LocalAddress.all().first ?? .ipv4(0x7f00_0001) : local
    }
}

// MARK: - Time

extension Switchboard {
    /// Sets the one timer to the earliest deadline of all machines.
    func schedule() {
        leaveRetiredTargets()
        let deadlines =
            [userAgent.nextDeadline, lookUpAgain?.at] + calls.values.map(\.deadline) + phones.values.map(\.lostUntil)
        guard let next = deadlines.compactMap(\.self).min() else {
            timer?.task.cancel()
            timer = nil
            return
        }
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
                await self.timeHasCome()
            }
        )
    }

    private func timeHasCome() async {
        timer = nil
        let now = MonotonicTime.now()
        perform(userAgent.advance(to: now, using: &generator))
        for (identifier, ongoing) in calls {
            if let deadline = ongoing.call.deadline, now >= deadline {
                update(identifier) { $0.advance(to: now) }
            }
            if let deadline = ongoing.soundDeadline, now >= deadline {
                update(identifier) { $0.terminate(.mediaFailed) }
            }
        }
        forgetLost(now: now)
        if let lookUpAgain, now >= lookUpAgain.at {
            self.lookUpAgain?.at = now + .seconds(3600)
            await findProvider()
        }
        schedule()
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
        status.draining = draining
        return status
    }

    var uptimeSeconds: Int { Int((MonotonicTime.now() - startTime).components.seconds) }

    /// The oldest first.
    private var callList: [CallStatus] {
        let now = MonotonicTime.now()
        let oldest = calls.values.sorted { $0.begunAt < $1.begunAt }.prefix(BoxStatus.mostListed)
        return oldest.map { ongoing in
            CallStatus(
                call: ongoing.call.identifier, direction: ongoing.call.direction, state: ongoing.call.publicState,
                far: ongoing.farNumber?.masked ?? ongoing.service?.code ?? "",
                seconds: Int((now - ongoing.begunAt).components.seconds),
                talkSeconds: ongoing.answeredAt.map { Int((now - $0).components.seconds) })
        }
    }

    /// Returns once the actor took its turn: the watchdog's probe.
    package func probe() {}

    package func snapshot() -> ControlSnapshot {
        ControlSnapshot(
            trunk: trunkStatus,
            calls: calls.flatMap { identifier, ongoing in
                ongoing.audience(phones).map {
                    .init(
                        connection: $0, call: identifier, state: ongoing.call.publicState, from: ongoing.from,
                        name: ongoing.name, to: ongoing.call.publicState == .summoning ? ongoing.wanted : nil)
                }
            }, draining: draining)
    }

    /// Hangs up every call, takes the registration back, and waits until the provider confirmed all of it, at most 2 s:
    /// a call whose CANCEL or BYE did not arrive costs money on.
    package func stop() async {
        stopping = true
        for identifier in calls.keys { update(identifier) { $0.terminate(.boxStopping) } }
        perform(userAgent.unregister(now: .now(), using: &generator))
        schedule()
        let deadline = MonotonicTime.now() + .seconds(2)
        while userAgent.awaitsAnswer, MonotonicTime.now() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        timer?.task.cancel()
        timer = nil
        for number in questions.keys { answered(number, .noReply) }
        eventContinuation.finish()
    }
}
