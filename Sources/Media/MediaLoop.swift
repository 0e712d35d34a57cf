import CLinux
import Glibc
import Logging
import SDP
import SecureMedia
import Wire

/// One epoll thread and everything that lives on it. Nothing here is touched from another thread; commands
/// come by the mailbox, events and snapshots go out.
///
/// ```
///   epoll_wait ──▶ mailbox     commands, in order
///              ──▶ timer       20 ms while something is paced or a handshake runs, else 250 ms, else never
///              ──▶ browser port, trunk sockets     one recvmmsg each, then on to the next that is ready
///              ──▶ flush       one sendmmsg for each run of one socket
/// ```
final class MediaLoop {
    /// More legs than any machine this is made for can carry.
    static let maximumLegs = 4096
    private static let eventsAtOnce = 64

    let mailbox: Mailbox
    let identity: DTLSIdentity
    let context: LoopContext
    let logger: Logger
    let patience: Patience
    let batch = ReceiveBatch()
    let ticker: Ticker
    private let browserSocket: DatagramSocket
    private let poller: Poller
    var generator = BufferedRandomGenerator()

    var legs: [LegIdentifier: Leg] = [:]
    /// Browser legs by our username fragment, for checks from addresses that are not known yet.
    var byFragment: [String: Leg] = [:]
    /// Browser legs by the addresses that passed a check.
    var byAddress: [NetworkAddress: Leg] = [:]
    /// Trunk legs by the token that their sockets' events carry. Tokens are never used twice, so an event of
    /// a socket that was just closed finds nobody.
    private var byToken: [UInt64: Leg] = [:]
    private var nextToken = Poller.firstFreeToken
    private var tokens: [LegIdentifier: UInt64] = [:]
    var isRunning = true

    init(
        mailbox: Mailbox, browserSocket: DatagramSocket, identity: DTLSIdentity,
        events: AsyncStream<MediaEvent>.Continuation, patience: Patience, logger: Logger
    ) throws(Problem) {
        self.mailbox = mailbox
        self.identity = identity
        self.browserSocket = browserSocket
        self.logger = logger
        self.patience = patience
        context = LoopContext(browserSocket: browserSocket.handle, events: events, now: .now())
        poller = try Poller()
        ticker = try Ticker()
        try poller.add(mailbox.descriptor, token: Poller.mailbox)
        try poller.add(ticker.descriptor, token: Poller.timer)
        try poller.add(browserSocket.handle.descriptor, token: Poller.browserPort)
    }

    /// Runs until it is told to stop.
    func run() {
        logger.info("The media loop listens on \(browserSocket.local).")
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.eventsAtOnce) { events in
            while isRunning {
                let count = poller.wait(into: events)
                context.now = .now()
                // What was asked for before a packet came holds for that packet.
                for index in 0..<count where events[index].data.u64 == Poller.mailbox {
                    handle(token: Poller.mailbox)
                }
                for index in 0..<count where events[index].data.u64 != Poller.mailbox {
                    handle(token: events[index].data.u64)
                }
                context.queue.flush()
            }
        }
        end()
    }

    private func handle(token: UInt64) {
        switch token {
        case Poller.mailbox:
            // Taken out one by one, so that a closed leg's sockets are not kept open by the command that
            // brought them.
            var commands = Array(mailbox.drain().reversed())
            while let command = commands.popLast() { apply(command) }
            ticker.set(pace)
        case Poller.timer:
            tick(times: ticker.expirations())
            ticker.set(pace)
        case Poller.browserPort:
            receiveFromBrowsers()
        default:
            guard let leg = byToken[token >> 1], case .trunk(let trunk) = leg.transport else { return }
            if token & 1 == 0 {
                receiveRTP(leg, trunk)
            } else {
                receiveRTCP(leg, trunk)
            }
        }
    }

    private func receiveFromBrowsers() {
        let count = batch.receive(from: browserSocket.handle.descriptor)
        for index in 0..<count {
            guard let datagram = batch.datagram(index), let path = batch.path(index) else {
                context.dropped.count(.oversized)
                continue
            }
            receiveFromBrowser(datagram, path)
        }
    }

    /// Tells the poller of a trunk leg's sockets.
    func watch(_ leg: Leg, _ trunk: TrunkLeg) throws(Problem) {
        let token = nextToken
        nextToken += 1
        byToken[token] = leg
        tokens[leg.identifier] = token
        try poller.add(trunk.rtp.handle.descriptor, token: token << 1)
        try poller.add(trunk.rtcp.handle.descriptor, token: token << 1 | 1)
    }

    func unwatch(_ leg: Leg, _ trunk: TrunkLeg) {
        if let token = tokens.removeValue(forKey: leg.identifier) { byToken[token] = nil }
        poller.remove(trunk.rtp.handle.descriptor)
        poller.remove(trunk.rtcp.handle.descriptor)
    }

    var openSockets: Int { 1 + 2 * byToken.count }

    private func end() {
        for leg in Array(legs.values) { close(leg) }
        context.queue.flush()
        for command in mailbox.shut() {
            switch command {
            case .checkpoint(let continuation): continuation.resume(returning: [])
            case .snapshot(let continuation): continuation.resume(returning: snapshot())
            case .probe(let turned): turned()
            default: break
            }
        }
        context.finishEvents()
        logger.info("The media loop has ended.")
    }
}
