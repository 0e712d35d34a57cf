import CShims
import NIOPosix
package import SIP
import Synchronization
package import Wire

/// Asks the DNS by the system's resolver library, on threads of its own: what blocks there blocks nobody else.
package final class DNSClient: Sendable {
    /// An answer, and how long it may be believed.
    package struct Finding: Equatable, Sendable {
        package var answer: DNSAnswer
        package var lifetime: Duration

        package init(_ answer: DNSAnswer, for lifetime: Duration) {
            self.answer = answer
            self.lifetime = lifetime
        }

        static let failed = Finding(.failed, for: .seconds(30))
    }

    /// Questions that may be on their way or wait; more are answered with ``DNSAnswer/failed``.
    package static let limit = 64
    /// What the library may take for one message: two tries of two seconds at each name server.
    private static let tries: (seconds: CInt, attempts: CInt) = (2, 2)
    /// Of the hosts file, which has no TTL.
    private static let ownLifetime: Duration = .seconds(60)
    /// The largest message that TCP can carry.
    private static let messageSize = 65_535

    /// Asks the name servers of this machine.
    package static let system = DNSClient()

    /// They wait for name servers most of the time: one slow answer must not hold up the next provider's.
    private static let workers: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 4)
        pool.start()
        return pool
    }()

    private let server: (address: [UInt8], port: UInt16)?
    private let deadline: Duration
    private let pending = Mutex(0)

    /// - Parameters:
    ///   - server: an IPv4 name server to be asked instead of the machine's; the hosts file does not count then.
    ///   - deadline: how long any question may take, the time in the queue included.
    package init(server: NetworkAddress? = nil, deadline: Duration = .seconds(12)) {
        self.deadline = deadline
        if case .ipv4(let host)? = server?.host {
            self.server = (
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: host >> $0) }, server?.port ?? 53
            )
        } else {
            self.server = nil
        }
    }

    /// Never waits past the deadline; cancelled, it returns at once.
    package func ask(_ query: DNSQuery) async -> Finding {
        let isAdmitted = pending.withLock { count in
            guard count < Self.limit else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { return .failed }
        let race = Race()
        let alarm = Task {
            try? await Task.sleep(for: deadline)
            race.finish(.failed)
        }
        defer { alarm.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                race.begin(continuation)
                Self.workers.submit { state in
                    // Whoever asked may have gone while this waited for a thread.
                    if state == .active, !race.isOver { race.finish(self.find(query)) }
                    race.finish(.failed)
                    self.pending.withLock { $0 -= 1 }
                }
            }
        } onCancel: {
            race.finish(.failed)
        }
    }

    /// The first outcome counts.
    private final class Race: Sendable {
        private enum State {
            case waiting(CheckedContinuation<Finding, Never>?)
            case over(Finding)
        }

        private let state = Mutex(State.waiting(nil))

        var isOver: Bool { state.withLock { if case .over = $0 { true } else { false } } }

        func begin(_ continuation: CheckedContinuation<Finding, Never>) {
            let early = state.withLock { state -> Finding? in
                if case .over(let finding) = state { return finding }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }

        func finish(_ finding: Finding) {
            let waiting = state.withLock { state -> CheckedContinuation<Finding, Never>? in
                guard case .waiting(let continuation) = state else { return nil }
                state = .over(finding)
                return continuation
            }
            waiting?.resume(returning: finding)
        }
    }
}

// MARK: - On a worker

extension DNSClient {
    private func find(_ query: DNSQuery) -> Finding {
        switch query {
        case .naptr(let name):
            return finding(of: [ask(name, .naptr)]) { records in
                .naptr(records.compactMap { if case .naptr(let record) = $0 { record } else { nil } })
            }
        case .srv(let name):
            return finding(of: [ask(name, .srv)]) { records in
                .srv(records.compactMap { if case .srv(let record) = $0 { record } else { nil } })
            }
        case .addresses(let name):
            if server == nil, let own = HostsFile()?.addresses(of: name), !own.isEmpty {
                return Finding(.addresses(own), for: Self.ownLifetime)
            }
            return finding(of: [ask(name, .a), ask(name, .aaaa)]) { records in
                .addresses(records.compactMap { if case .host(let host) = $0 { host } else { nil } })
            }
        }
    }

    private func finding(of replies: [DNSReply?], _ answer: ([DNSRecord]) -> DNSAnswer) -> Finding {
        let good = replies.compactMap(\.self).filter { !$0.isFailure }
        let found = good.filter { !$0.records.isEmpty }
        // One of both kinds of addresses is enough; that there is none must be said by both.
        if found.isEmpty, good.count < replies.count { return .failed }
        let seconds = (found.isEmpty ? good : found).map(\.lifetime).min() ?? 0
        let records = found.flatMap(\.records)
        return Finding(records.isEmpty ? .nothing : answer(records), for: .seconds(Int64(seconds)))
    }

    /// - Returns: nil when nobody answered, or nothing that makes sense.
    private func ask(_ name: String, _ type: DNSRecordType) -> DNSReply? {
        guard name.utf8.count <= 253, !name.utf8.contains(0) else { return nil }
        var answer = [UInt8](repeating: 0, count: Self.messageSize)
        let size = CInt(answer.count)
        let length =
            if let server {
                sipcall_dns_ask(
                    name, CInt(type.rawValue), server.address, server.port, Self.tries.seconds, Self.tries.attempts,
                    &answer, size)
            } else {
                sipcall_dns_ask(
                    name, CInt(type.rawValue), nil, 0, Self.tries.seconds, Self.tries.attempts, &answer, size)
            }
        guard length > 0, length <= answer.count else { return nil }
        return try? DNSReply(Array(answer[..<Int(length)]), to: name, type: type)
    }
}
