import Call
import Control
import Logging
import Wire

// Pages that come, go, and come back.
//
//     attached ──goodbye──▶ forgotten, its calls end
//        │ ▲ └──lost without a call──▶ forgotten
//   lost │ │ attached again by the same user
//        ▼ │
//       lost: its calls go on for 120 s as long as their sound does; it is not rung
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
        // It may have missed this one; the rest it is told here.
        for (identifier, ongoing) in mine where ongoing.call.publicState == .active {
            announceCodec(identifier)
            let (here, there) = ongoing.reportedHold
            if here || there { publish(.held(connection: connection, call: identifier, here: here, there: there)) }
        }
        return .attached(
            AttachedPhone(
                calls: mine.map { identifier, ongoing in
                    ControlSnapshot.OngoingCall(
                        connection: connection, call: identifier, state: ongoing.call.publicState,
                        from: ongoing.caller.number, name: ongoing.caller.name,
                        verification: ongoing.caller.verification,
                        to: ongoing.call.publicState == .summoning ? ongoing.wanted : nil)
                }, ended: ended))
    }

    /// - Parameter closed: the page said goodbye.
    func detach(_ connection: ConnectionIdentifier, closed: Bool) {
        guard let phone = phones[connection] else { return }
        if closed { return forget(connection) }
        guard !phone.isLost else { return }
        // Nobody can answer there now.
        for (identifier, ongoing) in calls where ongoing.call.isForTheTaking {
            leave(identifier, ongoing, connection)
        }
        let hasCall = calls.values.contains { $0.browserLeg(of: connection) != nil }
        guard hasCall, !stopping, phones.values.count(where: \.isLost) < Self.mostLost else {
            return forget(connection)
        }
        phones[connection]?.lostUntil = .now() + Self.lostTime
        log.notice("A page was lost in the middle of a call; the call goes on.")
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
