import Call
import Control
import Logging
import SDP
import Wire

// Pages that come, go, and come back.
//
//     attached ──signed off──▶ forgotten, its calls end
//        │ ▲ └──closed or lost without a call──▶ forgotten
//   lost │ │ attached again by the same user
//        ▼ │
//       lost: its calls go on, for 4 s if it was closed (a page that is loaded anew says the same) and for 120 s if it was lost;
//       whoever talks with it hears the box once its sound ends
extension Switchboard {
    /// A page that can be rung, or that was lost in the middle of a call.
    struct Phone {
        let user: String
        /// Set while its socket is lost: when its calls end unless it comes back.
        var lostUntil: MonotonicTime?
        /// What ended since it was attached, to be told when it comes back: that an event was published does not mean
        /// that the web process lived to pass it on.
        var ended: [AttachedPhone.EndedCall] = []

        init(user: String) {
            self.user = user
        }

        var isLost: Bool { lostUntil != nil }
    }

    /// Verto's detach timeout: longer than any restart of the web process.
    static let lostTime = Duration.seconds(120)
    /// How long a page may take that is loaded anew; a tab that was closed must not keep the far side waiting.
    static let closedTime = Duration.seconds(4)
    /// How long a page may take to make its sound anew once it has closed it. When a page is loaded anew or closed its socket
    /// ends at the same time; where that is not so, it hung up and the web process does not pass it on.
    static let goodbyeTime = Duration.seconds(2)
    /// Lost pages that are remembered; one more is treated as if it had said goodbye.
    private static let mostLost = 1024
    private static let mostEnded = 8

    static let otherUser = Problem(
        code: "phone.other-user", sentence: "This page belongs to another user.", remedy: "Reload it.")

    func attach(_ connection: ConnectionIdentifier, user: String) throws(Problem) -> ControlReply {
        guard var phone = phones[connection] else {
            phones[connection] = Phone(user: user)
            record(.phoneAttached) { $0.pages = pageCount }
            return .attached(AttachedPhone())
        }
        guard phone.user == user else { throw Self.otherUser }
        let ended = phone.ended
        phone.ended = []
        phone.lostUntil = nil
        phones[connection] = phone
        let mine = calls.filter { $0.value.audience(phones).contains(connection) }
        for (identifier, ongoing) in mine where ongoing.soundLostAt != nil {
            awaitSound(of: identifier, OngoingCall.soundTime)
        }
        // It may have missed this one; the rest it is told here.
        for (identifier, ongoing) in mine where ongoing.call.publicState == .active {
            announceCodec(identifier)
            let (here, there) = ongoing.reportedHold
            if here || there { publish(.held(connection: connection, call: identifier, here: here, there: there)) }
        }
        return .attached(
            AttachedPhone(calls: mine.map { $1.summary(for: connection, now: .now()) }, ended: ended))
    }

    func detach(_ connection: ConnectionIdentifier, _ departure: PhoneDeparture) {
        guard let phone = phones[connection] else { return }
        guard departure != .signedOff else { return forget(connection) }
        guard !phone.isLost else { return }
        let mine = calls.values.filter { $0.audience(phones).contains(connection) }
        let hasCall = mine.contains { !$0.call.isForTheTaking }
        guard !mine.isEmpty, !stopping, phones.values.count(where: \.isLost) < Self.mostLost else {
            return forget(connection)
        }
        if hasCall {
            // Nobody can answer there now.
            for (identifier, ongoing) in calls where ongoing.call.isForTheTaking {
                leave(identifier, ongoing, connection)
            }
        }
        for ongoing in mine where ongoing.soundLostAt != nil { awaitSound(of: ongoing.call.identifier, Self.lostTime) }
        // Where it only rings, it rings on for the moment that loading the page anew takes.
        phones[connection]?.lostUntil = .now() + (hasCall && departure == .lost ? Self.lostTime : Self.closedTime)
        log.debug("A page was lost in the middle of a call; the call goes on.")
    }

    /// The sound of a page's call ended, though nobody hung up.
    ///
    /// - Parameter wait: how long a page that is there may take to make it anew. One that is away takes what ``detach(_:_:)``
    ///   grants.
    func soundLost(_ leg: LegIdentifier, of identifier: CallIdentifier, wait: Duration) {
        guard let ongoing = calls[identifier], let connection = ongoing.browserLegs[leg],
            let phone = phones[connection], !ongoing.call.isForTheTaking, !stopping
        else { return update(identifier) { $0.nearEnded(leg, .browserGone) } }
        awaitSound(of: identifier, phone.isLost ? Self.lostTime : wait)
        update(identifier) { $0.nearAway(leg) }
    }

    func soundIsBack(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        calls[identifier]?.soundDeadline = nil
        guard calls[identifier]?.soundLostAt != nil else { return }
        calls[identifier]?.soundLostAt = nil
        update(identifier) { $0.nearBack(leg) }
    }

    /// However often a page tries: what nobody has heard for ``lostTime`` is over.
    private func awaitSound(of identifier: CallIdentifier, _ wait: Duration) {
        let lostAt = calls[identifier]?.soundLostAt ?? .now()
        calls[identifier]?.soundLostAt = lostAt
        calls[identifier]?.soundDeadline = min(.now() + wait, lostAt + Self.lostTime)
    }

    /// A page makes a new sound connection for a call that it is in: it was loaded anew, or its network is another one.
    func renew(
        _ leg: LegIdentifier, of identifier: CallIdentifier, _ connection: ConnectionIdentifier, offer: String
    ) throws(Problem) -> ControlReply {
        let page = try pageOffer(offer)
        let next = makeLeg()
        let answer = try openBrowserLeg(next, page)
        callOfLeg[next] = identifier
        calls[identifier]?.browserLegs[next] = connection
        calls[identifier]?.pageCodecs.formUnion(page.offer.codecs.map(\.codec))
        if calls[identifier]?.call.isForTheTaking == false { awaitSound(of: identifier, OngoingCall.soundTime) }
        update(identifier) { $0.nearReplaced(leg, by: next) }
        calls[identifier]?.browserLegs[leg] = nil
        calls[identifier]?.connectedLegs.remove(leg)
        announceCodec(identifier)
        return .media(call: identifier, answer: Redacted(answer))
    }

    /// Pages that can be rung or that are in a call, lost ones left out.
    var pageCount: Int { phones.values.count { !$0.isLost } }

    /// Remembers what a page should have been told. One that was told does not mind hearing it again.
    func noteEnd(of call: CallIdentifier, _ reason: EndReason, for connection: ConnectionIdentifier) {
        guard let phone = phones[connection] else { return }
        let kept = phone.ended.suffix(Self.mostEnded - 1)
        phones[connection]?.ended = kept + [AttachedPhone.EndedCall(call: call, reason: reason)]
    }

    /// Lost pages that did not come back in time.
    func forgetLost(now: MonotonicTime) {
        for (connection, phone) in phones {
            if let lostUntil = phone.lostUntil, now >= lostUntil { forget(connection) }
        }
    }

    private func forget(_ connection: ConnectionIdentifier) {
        phones[connection] = nil
        record(.phoneDetached) { $0.pages = pageCount }
        for (identifier, ongoing) in calls { leave(identifier, ongoing, connection) }
    }

    private func leave(_ identifier: CallIdentifier, _ ongoing: OngoingCall, _ connection: ConnectionIdentifier) {
        if let leg = ongoing.browserLeg(of: connection) {
            update(identifier) { $0.nearEnded(leg, .browserGone) }
        }
        calls[identifier]?.ringing.remove(connection)
        endIfNobodyRings(identifier)
    }
}

extension OngoingCall {
    /// What a page is told of a call that goes on, which it may know nothing of any more.
    func summary(for connection: ConnectionIdentifier, now: MonotonicTime) -> ControlSnapshot.OngoingCall {
        ControlSnapshot.OngoingCall(
            connection: connection, call: call.identifier, state: call.publicState, from: caller.number,
            name: caller.name, verification: caller.verification,
            to: call.publicState == .summoning ? wanted : nil, direction: call.direction,
            party: successor ?? wanted ?? from,
            talkSeconds: answeredAt.map { Double((now - $0).nanoseconds) / 1e9 }, isHidden: hidesNumber == true)
    }
}
