import NIOCore
import Synchronization
import Wire

/// Every connection of every listener: bounded in all and for each source, known by name for the end of the process.
///
/// Signed-in phone sockets have a bound of their own (`WebLimits.phones`) and are not counted against these two: an
/// office of phones behind one address is no attack. A connection that is one too many is accepted and closed at
/// once, so that the queue of the kernel, and with it the probe of the watchdog, is never behind it.
final class ConnectionRoll: Sendable {
    private struct Entry {
        var channel: any Channel
        /// nil once it is a phone socket, and for the watchdog's own.
        var source: NetworkAddress.Host?
        var isCounted: Bool
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var counted = 0
        var bySource: [NetworkAddress.Host: Int] = [:]
        /// Our own ends of connections that have a slot whatever happens.
        var reserved: Set<NetworkAddress> = []
        var isClosing = false
        var whenEmpty: [CheckedContinuation<Void, Never>] = []

        mutating func discount(_ identifier: ObjectIdentifier) {
            guard let entry = entries[identifier], entry.isCounted else { return }
            entries[identifier]?.isCounted = false
            counted -= 1
            guard let source = entry.source, let count = bySource[source] else { return }
            bySource[source] = count > 1 ? count - 1 : nil
        }
    }

    private let state = Mutex(State())
    let limits: WebLimits

    init(limits: WebLimits) {
        self.limits = limits
    }

    /// - Parameter mayProxy: a proxy on this machine may bring everybody's connections from one address.
    /// - Returns: whether the connection may stay; it is forgotten by itself when it closes.
    func admit(_ channel: any Channel, mayProxy: Bool) -> Bool {
        let peer = channel.remoteAddress.flatMap(NetworkAddress.init(peer:))
        let admitted = state.withLock { state in
            guard !state.isClosing else { return false }
            if let peer, state.reserved.contains(peer) {
                state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, source: nil, isCounted: false)
                return true
            }
            guard state.counted < limits.connections else { return false }
            let source = peer.map(\.source)
            if let source, !(mayProxy && source.isLoopback) {
                guard state.bySource[source, default: 0] < limits.connectionsOfSource else { return false }
                state.bySource[source, default: 0] += 1
                state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, source: source, isCounted: true)
            } else {
                state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, source: nil, isCounted: true)
            }
            state.counted += 1
            return true
        }
        if admitted { channel.closeFuture.whenComplete { _ in self.left(channel) } }
        return admitted
    }

    /// Its user is signed in: it counts as a phone from now on.
    func becamePhone(_ channel: any Channel) {
        state.withLock { $0.discount(ObjectIdentifier(channel)) }
    }

    private func left(_ channel: any Channel) {
        let waiting = state.withLock { state in
            state.discount(ObjectIdentifier(channel))
            state.entries[ObjectIdentifier(channel)] = nil
            guard state.entries.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for continuation in waiting { continuation.resume() }
    }

    var count: Int { state.withLock { $0.entries.count } }

    // MARK: The watchdog's slot

    /// A connection that will come from this address, which is ours, is admitted however full the house is.
    func reserve(_ address: NetworkAddress) {
        state.withLock { _ = $0.reserved.insert(address) }
    }

    func release(_ address: NetworkAddress) {
        state.withLock { _ = $0.reserved.remove(address) }
    }

    // MARK: The end

    /// Lets every connection end what it is doing, and closes what is left after the time given. Nothing is admitted
    /// any more.
    func close(within patience: Duration, on loop: any EventLoop) async {
        let open = state.withLock { state in
            state.isClosing = true
            return state.entries.values.map(\.channel)
        }
        for channel in open {
            channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }
        let deadline = loop.scheduleTask(in: .nanoseconds(patience.nanoseconds)) {
            for entry in self.state.withLock({ Array($0.entries.values) }) { entry.channel.close(promise: nil) }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.entries.isEmpty { state.whenEmpty.append(continuation) }
                return state.entries.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        deadline.cancel()
    }
}

extension NetworkAddress {
    init?(peer: SocketAddress) {
        guard let text = peer.ipAddress, let port = peer.port.flatMap(UInt16.init(exactly:)) else { return nil }
        self.init(text, port: port)
    }

    /// One value for one attacker: an IPv4 address, or the half of an IPv6 address that a customer is given.
    var source: Host {
        if case .ipv6(let high, _) = host { .ipv6(high: high, low: 0) } else { host }
    }
}

extension NetworkAddress.Host {
    var isLoopback: Bool {
        switch self {
        case .ipv4(let bits): bits >> 24 == 127
        case .ipv6(let high, let low): high == 0 && low <= 1
        }
    }
}
