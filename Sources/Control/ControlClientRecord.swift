import NIOCore

/// What the server keeps about one client process: its phone sockets and the commands it sent.
struct ControlClientRecord {
    enum Verdict {
        case execute
        /// Under way already: the reply goes to whoever asked last, too.
        case wait
        case repeatReply(ControlReply)
    }

    /// Commands under way at once.
    private static let mostUnderWay = 4096
    /// Connections that get the reply to one command.
    private static let mostWaiting = 4
    /// Replies kept for a command that is sent again.
    private static let repliesKept = 512

    private var sessions = 0
    private var underWay: [UInt64: [ControlSession]] = [:]
    private var replies: [UInt64: ControlReply] = [:]
    private var replyOrder: [UInt64] = []
    private(set) var attached: Set<ConnectionIdentifier> = []
    /// Runs while the client has no connection.
    var lost: Scheduled<Void>?

    mutating func arrived() {
        sessions += 1
        lost?.cancel()
        lost = nil
    }

    /// - Returns: whether that was its last connection.
    mutating func left() -> Bool {
        sessions -= 1
        return sessions <= 0
    }

    mutating func received(_ command: ControlCommand, id: UInt64, over session: ControlSession) -> Verdict {
        if let reply = replies[id] { return .repeatReply(reply) }
        if let waiting = underWay[id] {
            if waiting.count < Self.mostWaiting { underWay[id] = waiting + [session] }
            return .wait
        }
        guard underWay.count < Self.mostUnderWay else { return .repeatReply(.failed(ControlProblem.overloaded)) }
        underWay[id] = [session]
        switch command {
        case .attach(let connection, _): attached.insert(connection)
        case .detach(let connection, _): attached.remove(connection)
        default: break
        }
        return .execute
    }

    /// Another client has this phone socket now.
    mutating func handedOver(_ connection: ConnectionIdentifier) {
        attached.remove(connection)
    }

    /// - Parameter keeps: whether the reply is kept for a command that is sent again.
    /// - Returns: where the reply goes.
    mutating func finished(_ id: UInt64, with reply: ControlReply, keeps: Bool = true) -> [ControlSession] {
        let waiting = underWay.removeValue(forKey: id) ?? []
        guard keeps else { return waiting }
        replies[id] = reply
        replyOrder.append(id)
        if replyOrder.count >= 2 * Self.repliesKept {
            for old in replyOrder.prefix(Self.repliesKept) { replies[old] = nil }
            replyOrder.removeFirst(Self.repliesKept)
        }
        return waiting
    }
}
