import Call
import Control
import Logging
import Wire

// What the core tells, each to the page that it is about.
extension PhoneHub {
    var status: TrunkStatus {
        isConnected ? trunk : TrunkStatus(name: trunk.name, state: .failed, problem: ControlProblem.unreachable)
    }

    func connected(_ snapshot: ControlSnapshot, restarted: Bool) async {
        trunk = snapshot.trunk
        let gone = restarted ? [:] : undelivered
        undelivered = [:]
        let present = Array(phones.keys)
        await withTaskGroup(of: Void.self) { group in
            for connection in present { group.addTask { await self.attach(connection) } }
            for (connection, departure) in gone {
                group.addTask { await self.tellGone(connection, departure) }
            }
        }
        isConnected = true
        for phone in phones.values { phone.line.send(PhoneNotice.trunk(trunk)) }
    }

    /// Unless the page has come back meanwhile.
    private func tellGone(_ connection: ConnectionIdentifier, _ departure: PhoneDeparture) async {
        guard phones[connection] == nil else { return }
        await tell(.detach(connection: connection, departure: departure))
    }

    func disconnected() {
        isConnected = false
        for phone in phones.values { phone.line.send(PhoneNotice.trunk(status)) }
    }

    /// Brings a page to what the core says is: events may have been missed, by the page or by this process.
    func reconcile(_ connection: ConnectionIdentifier, with attached: AttachedPhone) {
        guard let phone = phones[connection] else { return }
        // What this process has told already it does not tell again.
        for ended in attached.ended where phone.calls.contains(ended.call) || phone.wasAway {
            phones[connection]?.calls.insert(ended.call)
            deliver(.ended(connection: connection, call: ended.call, reason: ended.reason))
        }
        let ongoing = Set(attached.calls.map(\.call))
        for call in phone.calls.subtracting(ongoing).subtracting(attached.ended.map(\.call)) {
            deliver(.ended(connection: connection, call: call, reason: .internalError))
        }
        phones[connection]?.wasAway = false
        for call in attached.calls {
            if let to = call.to {
                deliver(.summons(connection: connection, call: call.call, to: to))
            } else if let from = call.from, call.state == .ringing {
                deliver(
                    .incoming(
                        connection: connection, call: call.call, from: from, name: call.name,
                        verification: call.verification))
            } else {
                phones[connection]?.calls.insert(call.call)
            }
        }
        phone.line.send(PhoneNotice.calls(attached.calls))
    }

    func deliver(_ event: ControlEvent) {
        switch event {
        case .trunk(let status):
            trunk = status
            for phone in phones.values { phone.line.send(PhoneNotice.trunk(status)) }
        case .incoming(let connection, let call, let from, let name, let verification):
            guard let phone = phones[connection], !holds(event, phone, connection), phone.isVerified else { return }
            guard phones[connection]?.calls.insert(call).inserted == true else { return }
            phones[connection]?.line.send(
                PhoneNotice.incoming(call, from: from, name: name, verification: verification))
        case .summons(let connection, let call, let to):
            guard let phone = phones[connection], !holds(event, phone, connection) else { return }
            guard phones[connection]?.calls.insert(call).inserted == true else { return }
            phones[connection]?.line.send(PhoneNotice.summons(call, to: to))
        case .box, .recordsWait: return
        case .state(let connection, let call, let state):
            guard state != .ended else { return }
            notify(event, connection, call, PhoneNotice.state(call, state))
        case .ended(let connection, let call, let reason):
            if notify(event, connection, call, PhoneNotice.ended(call, reason)) {
                phones[connection]?.calls.remove(call)
            }
        case .notice(let connection, let call, let problem):
            notify(event, connection, call, PhoneNotice.notice(call, problem))
        case .digit(let connection, let call, let digit):
            notify(event, connection, call, PhoneNotice.digit(call, digit))
        case .held(let connection, let call, let here, let there):
            notify(event, connection, call, PhoneNotice.held(call, here: here, there: there))
        case .codec(let connection, let call, let codec):
            notify(event, connection, call, PhoneNotice.codec(call, codec))
        }
    }

    /// A call that begins while the core's answer to `attach` is under way is not in that answer: told before it, the page
    /// would take it for over, and nobody else could take it.
    private func holds(_ event: ControlEvent, _ phone: Phone, _ connection: ConnectionIdentifier) -> Bool {
        guard phone.isAttaching, phone.held.count < Phone.mostHeld else { return false }
        phones[connection]?.held.append(event)
        return true
    }

    /// - Returns: whether the page was told.
    @discardableResult
    private func notify(
        _ event: ControlEvent, _ connection: ConnectionIdentifier, _ call: CallIdentifier, _ text: String
    ) -> Bool {
        guard let phone = phones[connection] else { return false }
        guard !phone.isVerified || !phone.calls.contains(call) else {
            phone.line.send(text)
            return true
        }
        if phone.isStarting || phone.isAttaching || !phone.isVerified, phone.held.count < Phone.mostHeld {
            phones[connection]?.held.append(event)
        } else if phone.isVerified, case .state = event {
            // The page never learned of this call (the reply came too late), so nobody else can end it.
            Task { await tell(.end(connection: connection, call: call)) }
        }
        return false
    }

    /// - Returns: whether the core did it.
    @discardableResult
    func tell(_ command: ControlCommand) async -> Bool {
        do throws(Problem) {
            _ = try await control.send(command)
            return true
        } catch {
            logger.debug("the core did not take a command", metadata: ["problem": "\(error.code)"])
            return false
        }
    }
}
