package import SIPMessage
package import Wire

/// A SIP user agent for any number of trunks (RFC 3261 §8): registers, calls, is called.
///
/// ```
///  calls in  ──▶ invite, ring, accept, hangUp … ──▶ legs ──▶ TransactionLayer ──▶ .send
///  datagrams ──▶ received ──▶ TransactionLayer ──▶ legs, registration ──▶ .event
///  time      ──▶ advance  ──▶ one table of deadlines ──┘
/// ```
/// A leg lives until its `ended` event. What the protocol still owes after that, an ACK to a repeated 200, a BYE to a
/// call that was answered while it was being cancelled, hangs on the transactions and goes when they go.
/// Strangers are answered without state.
package struct UserAgent: Sendable {
    /// The address that we are to be reached at, as we see it ourselves; a trunk may have another (`ways`).
    var local: NetworkAddress
    let product: String
    let timers: SIPTimers
    /// Whether offers, transfers and replacements are asked of the owner of the calls. Otherwise an offer is answered
    /// with what we said last, and a transfer is declined.
    let asksOwner: Bool

    /// One transaction's purpose.
    enum Use: Sendable {
        case registering(account: UInt64, sequence: UInt32)
        case inviting(LegIdentifier)
        /// The INVITE of a leg that is over.
        case leftover(Leftover)
        /// A BYE.
        case parting(Parting)
        /// Any other request inside a call.
        case errand(Errand)
        /// An OPTIONS of ours, by its asker's number.
        case asking(UInt64, trunk: String)
        /// An INVITE of the other side.
        case serving(LegIdentifier)
        /// A request of theirs inside a call, which waits for the owner's answer.
        case questioned(LegIdentifier)
    }

    /// Deadlines that are not a transaction's.
    enum Deadline: Hashable, Sendable {
        case registration(account: UInt64)
        /// Nothing was heard from the callee yet.
        case silence(LegIdentifier)
        /// The 2xx to an INVITE is repeated until its ACK comes.
        case answer(LegIdentifier)
        /// An incoming call rang for too long.
        case ringing(LegIdentifier)
        /// A reliable provisional response is repeated until its PRACK comes.
        case provisional(LegIdentifier)
        /// The owner of the call did not answer an offer or a REFER.
        case question(LegIdentifier)
        /// After glare, another try.
        case exchange(LegIdentifier)
        /// The session is to be refreshed, or was not.
        case session(LegIdentifier)
        /// The way back through a NAT is to be kept open.
        case keepAlive(account: UInt64)
    }

    var layer: TransactionLayer
    var uses: [TransactionIdentifier: Use] = [:]
    var deadlines = DeadlineTable<Deadline>()
    var accounts: [UInt64: Account] = [:]
    /// The accounts in use, one for each trunk; others in `accounts` are only being unregistered.
    var inUse: [UInt64] = []
    var accountCount: UInt64 = 0
    /// What is known of the way to each trunk, by its name.
    var ways: [String: TrunkWay] = [:]
    var legs: [LegIdentifier: Leg] = [:]
    /// How many of `legs` are over, but wait for an ACK before their BYE may go (RFC 3261 §15).
    var overCount = 0
    /// Legs by Call-ID and our tag.
    var dialogs: [DialogKey: LegIdentifier] = [:]
    /// Incoming calls by what makes an INVITE the same one although it took another way (§8.2.2.2).
    var origins: [Origin: LegIdentifier] = [:]
    var nextInboundLeg: UInt64 = 1 << 32
    /// Collected while an input is worked through.
    var outbox: [UserAgentEffect] = []

    /// More calls than this at a time are refused with 503.
    static let legLimit = 2_000
    /// An INVITE in silence for this long is worth telling.
    static let silenceLimit = Duration.seconds(4)
    /// A caller that vanished without CANCEL: proxies give up after three minutes too (timer C).
    static let ringingLimit = Duration.seconds(180)

    /// Shorter than any NAT forgets a UDP mapping (RFC 4787 asks for two minutes, cheap routers take 30 s).
    static let keepAliveInterval = Duration.seconds(25)

    struct DialogKey: Hashable, Sendable {
        let callID: String
        let localTag: String
    }

    struct Origin: Hashable, Sendable {
        let callID: String
        let fromTag: String
        let sequence: UInt32
    }

    /// - Parameters:
    ///   - contact: where our socket is to be reached; a wildcard will not do.
    ///   - product: for User-Agent.
    ///   - asksOwner: the caller of this answers `offered`, `transferRequested` and `incomingReplacement`.
    package init(
        contact: NetworkAddress, product: String, asksOwner: Bool = false, timers: SIPTimers = .standard
    ) {
        local = contact
        self.product = product
        self.asksOwner = asksOwner
        self.timers = timers
        layer = TransactionLayer(timers: timers)
    }

    /// What is held now. A dialog counts from its INVITE until its leg's `ended`.
    package var counts: (transactions: Int, dialogs: Int) { (layer.count, legs.count - overCount) }

    /// Nothing is held: no call, no transaction, and nothing that hangs on one.
    package var isEmpty: Bool {
        legs.isEmpty && dialogs.isEmpty && origins.isEmpty && uses.isEmpty && layer.count == 0 && overCount == 0
    }

    /// The other side owes something: a final response to a request of ours, or the ACK before a BYE may go.
    package var awaitsAnswer: Bool { overCount > 0 || layer.awaitsResponse }

    /// When `advance` is to be called at the latest.
    package var nextDeadline: MonotonicTime? {
        switch (layer.nextDeadline, deadlines.next) {
        case (let one?, let other?): min(one, other)
        case (let one, let other): one ?? other
        }
    }

    /// Fires every timer that is due.
    package mutating func advance(
        to now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        apply(layer.advance(to: now), now: now, using: &generator)
        while let deadline = deadlines.popDue(at: now) {
            switch deadline {
            case .registration(let number): registrationDue(number, now: now, using: &generator)
            case .silence(let leg): outbox.append(.event(.noReplyYet(leg)))
            case .answer(let leg): answerDue(leg, now: now, using: &generator)
            case .keepAlive(let number): keepAliveDue(number, now: now)
            case .ringing(let leg): ringingDue(leg, now: now, using: &generator)
            case .provisional(let leg): provisionalDue(leg, now: now, using: &generator)
            case .question(let leg): questionDue(leg, now: now, using: &generator)
            case .exchange(let leg): exchangeDue(leg, now: now, using: &generator)
            case .session(let leg): sessionDue(leg, now: now, using: &generator)
            }
        }
        return drain()
    }

    /// A datagram of ours to `target` came back (ICMP): every transaction with it fails at once.
    package mutating func transportFailed(
        to target: NetworkAddress, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        apply(layer.transportFailed(to: target), now: now, using: &generator)
        return drain()
    }

    /// A message came.
    /// - Parameter transport: how; nil if its Via is to say, which names no safer way than the last hop took unless it lies.
    package mutating func received(
        _ message: SIPMessage, from source: NetworkAddress, over transport: TransportProtocol? = nil,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        switch message {
        case .request(let request):
            let way = transport ?? TransportProtocol(viaName: request.headers.topVia?.transport) ?? .udp
            received(request, from: SIPPeer(way, source), now: now, using: &generator)
        case .response(let response):
            apply(layer.received(response, from: source, now: now), now: now, using: &generator)
        }
        return drain()
    }

    /// Does what the transaction layer asks for, which may lead to more.
    mutating func apply(
        _ effects: [TransactionLayer.Effect], now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let target): outbox.append(.send(bytes, to: target))
            case .response(let identifier, let response, let source):
                received(response, to: identifier, from: source, now: now, using: &generator)
            case .failed(let identifier, let failure):
                transactionFailed(identifier, failure, now: now, using: &generator)
            case .ended(let identifier): uses[identifier] = nil
            }
        }
    }

    private mutating func received(
        _ response: SIPResponse, to identifier: TransactionIdentifier, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        switch uses[identifier] {
        case .registering(let account, let sequence):
            registrationAnswered(
                account, sequence: sequence, response, from: source, now: now, using: &generator)
        case .inviting(let leg):
            inviteAnswered(leg, identifier, response, from: source, now: now, using: &generator)
        case .leftover: leftoverAnswered(identifier, response, now: now, using: &generator)
        case .parting(let parting): byeAnswered(parting, response, from: source, now: now, using: &generator)
        case .errand(let errand):
            errandAnswered(errand, identifier, response, from: source, now: now, using: &generator)
        case .asking(let number, let trunk):
            noteWay(of: trunk, response, from: source, now: now)
            askingAnswered(number, response)
        case .serving, .questioned, nil: break
        }
    }

    private mutating func transactionFailed(
        _ identifier: TransactionIdentifier, _ failure: TransactionLayer.Failure, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        switch uses[identifier] {
        case .registering(let account, let sequence):
            registrationFailed(
                account, sequence: sequence, failure == .timeout ? .noReply : .unreachable, retryAfter: nil, now: now,
                using: &generator)
        case .inviting(let leg):
            end(leg, failure == .timeout ? .noReply : .unreachable, now: now, using: &generator)
        case .errand(let errand):
            errandFailed(errand, identifier, failure, now: now, using: &generator)
        case .serving(let leg):
            // Timer H of a refusal says nothing new; a 2xx without ACK is noticed by the leg itself; and a call that is
            // established waits for nothing.
            if failure == .transport, legs[leg]?.isEstablished == false {
                end(leg, .unreachable, now: now, using: &generator)
            }
        case .asking(let number, _):
            outbox.append(.event(.asked(number, failure == .timeout ? .noReply : .unreachable)))
        case .leftover, .parting, .questioned, nil: break
        }
    }

    mutating func drain() -> [UserAgentEffect] {
        defer { outbox = [] }
        return outbox
    }
}
