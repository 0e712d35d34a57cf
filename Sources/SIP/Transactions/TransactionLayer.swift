package import SIPMessage
package import Wire

/// Names one transaction: the branch, which side we are on, and the method (RFC 3261 §17.1.3, §17.2.3).
package struct TransactionIdentifier: Hashable, Comparable, Sendable, Codable {
    private let text: String

    static func client(branch: String, method: SIPMethod) -> Self { Self(text: "c \(method.rawValue) \(branch)") }

    /// - Parameter sentBy: host and port of the topmost Via: two clients may choose one branch.
    static func server(branch: String, sentBy: String, method: SIPMethod) -> Self {
        Self(text: "s \(method.rawValue) \(sentBy) \(branch)")
    }

    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// All transactions of one endpoint: matches messages to them, repeats what was lost, absorbs what came twice.
///
/// What it cannot match is the caller's to judge: a new request is answered with or without a transaction of its own,
/// so that strangers cost no memory. Over UDP only.
package struct TransactionLayer: Sendable {
    package enum Failure: Hashable, Sendable, Codable {
        case timeout
        case transport
    }

    package enum Effect: Equatable, Sendable {
        case send([UInt8], to: NetworkAddress)
        /// A client transaction heard something.
        case response(TransactionIdentifier, SIPResponse, from: NetworkAddress)
        /// Nothing final will come any more.
        case failed(TransactionIdentifier, Failure)
        /// The transaction and its memory are gone.
        case ended(TransactionIdentifier)
    }

    enum ClientMachine: Sendable, Codable {
        case invite(InviteClientTransaction)
        case other(NonInviteClientTransaction)
    }

    enum ServerMachine: Sendable, Codable {
        case invite(InviteServerTransaction)
        case other(NonInviteServerTransaction)
    }

    struct Client: Sendable {
        var machine: ClientMachine
        let request: SIPRequest
        let bytes: [UInt8]
        let target: NetworkAddress
        /// The ACK to a failure, once there is one.
        var acknowledgement: [UInt8]?
        /// When a cancelled INVITE is given up.
        var abandonAt: MonotonicTime?
    }

    struct Server: Sendable {
        var machine: ServerMachine
        let replyTo: NetworkAddress
        var response: [UInt8]?
    }

    let timers: SIPTimers
    /// More server transactions than this are never kept: 200 calls a second leave two each for 32 s (timers J, L).
    package let serverLimit: Int
    var clients: [TransactionIdentifier: Client] = [:]
    var servers: [TransactionIdentifier: Server] = [:]
    var deadlines = DeadlineTable<TransactionIdentifier>()

    package init(timers: SIPTimers = .standard, serverLimit: Int = 16_000) {
        self.timers = timers
        self.serverLimit = serverLimit
    }

    package var count: Int { clients.count + servers.count }
    package var clientCount: Int { clients.count }
    package var serverCount: Int { servers.count }
    package var nextDeadline: MonotonicTime? { deadlines.next }

    /// Fires every timer that is due.
    package mutating func advance(to now: MonotonicTime) -> [Effect] {
        var effects: [Effect] = []
        while let identifier = deadlines.popDue(at: now) {
            if let client = clients[identifier] {
                effects += timePassed(client, identifier, now: now)
            } else if let server = servers[identifier] {
                effects += timePassed(server, identifier, now: now)
            }
        }
        return effects
    }

    /// The network reported that nothing at `target` listens: whatever waits for it fails at once.
    package mutating func transportFailed(to target: NetworkAddress) -> [Effect] {
        var effects: [Effect] = []
        for (identifier, var client) in clients.filter({ $0.value.target == target }).sorted(by: { $0.key < $1.key }) {
            effects += client.transportFailed(identifier)
            keep(client, as: identifier, &effects)
        }
        for (identifier, var server) in servers.filter({ $0.value.replyTo == target }).sorted(by: { $0.key < $1.key }) {
            effects += server.transportFailed(identifier)
            keep(server, as: identifier, &effects)
        }
        return effects
    }
}
