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
    let settings: BoxSettings
    let transport: SIPTransport
    let media: MediaEngine
    let log: Logger
    private let version: String
    /// For User-Agent and Server.
    let product: String
    private let figures: @Sendable () -> ProcessFigures
    private let startTime = MonotonicTime.now()

    /// What the web process is told. Ends after ``stop()``.
    package nonisolated let events: AsyncStream<ControlEvent>
    private let eventContinuation: AsyncStream<ControlEvent>.Continuation

    var generator = SystemRandomNumberGenerator()
    var userAgent: UserAgent
    var trunkStatus: TrunkStatus
    /// Where the provider is, and which of our addresses its route leaves from.
    var trunkRoute: TrunkRoute?
    /// Why the last connection to the provider did not come about, if the network said more than that.
    var connectionProblem: Problem?
    /// When the last connection to the provider was lost.
    var connectionLostAt: MonotonicTime?
    /// When the provider's name is looked up again, after that failed.
    var lookUpAgain: (at: MonotonicTime, delay: Duration)?
    var phones: [ConnectionIdentifier: Phone] = [:]
    var calls: [CallIdentifier: OngoingCall] = [:]
    var callOfLeg: [LegIdentifier: CallIdentifier] = [:]
    private var nextLeg: UInt64 = 1
    private var timer: (deadline: MonotonicTime, task: Task<Void, Never>)?
    private(set) var stopping = false

    /// A page that can be rung.
    struct Phone {
        var user: String
    }

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
        }
    }

    private func takeMessages() async {
        for await input in transport.inputs {
            transport.taken()
            switch input {
            case .message(let message, let source):
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
        let deadlines = [userAgent.nextDeadline, lookUpAgain?.at] + calls.values.map(\.deadline)
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
                try? await Task.sleep(for: delay, clock: .suspending)
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
        return BoxStatus(
            version: version, uptimeSeconds: Int((MonotonicTime.now() - startTime).components.seconds),
            trunk: trunkStatus, calls: calls.count, legs: callOfLeg.count, dialogs: userAgent.counts.dialogs,
            transactions: userAgent.counts.transactions, mediaLegs: sound.legs.count, mediaSockets: sound.sockets,
            opusStates: sound.opusEncoders + sound.opusDecoders, openDescriptors: figures.openDescriptors,
            threads: figures.threads,
            residentBytes: figures.residentBytes)
    }

    package func snapshot() -> ControlSnapshot {
        ControlSnapshot(
            trunk: trunkStatus,
            calls: calls.flatMap { identifier, ongoing in
                ongoing.audience(phones).map {
                    .init(
                        connection: $0, call: identifier, state: ongoing.call.publicState, from: ongoing.from,
                        name: ongoing.name)
                }
            })
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
        eventContinuation.finish()
    }
}
