import Call
package import Control
import Logging
import Media
import Numbering
import SDP
import Settings
import Wire

// What pages ask for.
extension Switchboard {
    /// Carries out one command of the web process.
    package func handle(_ command: ControlCommand) async -> ControlReply {
        defer { schedule() }
        do {
            switch command {
            case .attach(let connection, let user):
                return try attach(connection, user: user)
            case .detach(let connection, let departure):
                detach(connection, departure)
                return .done
            case .start(let connection, let to, let offer, let hidesNumber):
                return try start(connection, to: to.revealed, offer: offer.revealed, hidesNumber: hidesNumber)
            case .offer(let connection, let call, let offer):
                return try join(connection, call, offer: offer.revealed)
            case .answer(let connection, let identifier):
                return try answer(connection, identifier)
            case .end(let connection, let identifier):
                try take(connection, identifier) { $0.hangUp() }
                return .done
            case .digits(let connection, let identifier, let digits):
                return try send(digits: digits.revealed, connection, identifier)
            case .hold(let connection, let identifier, let isWanted):
                return try hold(connection, identifier, isWanted)
            case .transfer(let connection, let identifier, let to):
                return try transfer(connection, identifier, to: to.revealed)
            case .bringTogether(let connection, let identifier, let other):
                return try bringTogether(connection, identifier, other)
            case .status:
                return .status(await status())
            case .summon(let to, let hidesNumber):
                return try summon(to: to.revealed, hidesNumber: hidesNumber)
            case .hangUp(let identifier):
                return try hangUp(identifier)
            case .askProviders:
                return try await askProviders()
            case .events(let number):
                return events(after: number)
            case .traces:
                return traceList()
            case .trace(let name, let number, let showing):
                return try trace(name, after: number, showing)
            case .drain(let isWanted):
                setDraining(isWanted)
                return .status(await status())
            case .reload, .ledger, .sealedRecords, .filed, .chosen, .choose, .claimed:
                // The program's own: it alone can read the file, and has the call log.
                return .failed(Self.notHere)
            #if DEBUG
                case .fault: return .failed(Self.notHere)
            #endif
            }
        } catch {
            return .failed(error)
        }
    }

    private func start(
        _ connection: ConnectionIdentifier, to text: String, offer: String, hidesNumber: Bool?
    ) throws(Problem) -> ControlReply {
        let user = try requirePhone(connection).user
        let destination = try destination(text, for: CallOwner(user))
        guard destination.isEmergency || isFree(connection) else { throw Self.busyHere }
        let page = try pageOffer(offer)

        let identifier = CallIdentifier(using: &generator)
        let near = makeLeg()
        try reserve(identifier, to: destination, by: CallOwner(user))
        let far: FarSide
        let answer: String
        do throws(Problem) {
            (far, answer) = try open(destination, near, page)
        } catch {
            release(identifier)
            throw error
        }
        if destination.isEmergency { makeWay(on: connection) }
        if case .trunk(let leg) = far.side { callOfLeg[leg] = identifier }
        let (call, effects) = Call.outbound(identifier, near: near, far: far.side, now: .now())
        callOfLeg[near] = identifier
        calls[identifier] = OngoingCall(
            call: call, browserLegs: [near: connection], dialled: far.dialled,
            trunkDescription: far.description, pageCodecs: Set(page.offer.codecs.map(\.codec)),
            soundDeadline: .now() + OngoingCall.soundTime, user: CallOwner(user))
        calls[identifier]?.hidesNumber = hidesNumber
        calls[identifier]?.isEmergency = destination.isEmergency
        record(.callCreated, identifier)
        carryOut(effects, of: identifier)
        return .media(call: identifier, answer: Redacted(answer))
    }

    /// Both sides of a call that is wanted, or nothing.
    /// - Returns: the SDP for the page too.
    private func open(
        _ destination: Destination, _ near: LegIdentifier, _ page: (offer: BrowserOffer, audio: BrowserAudio)
    ) throws(Problem) -> (FarSide, String) {
        let far = try openFar(destination)
        do throws(Problem) {
            return (far, try openBrowserLeg(near, page))
        } catch {
            if case .trunk(let leg) = far.side { media.close(leg) }
            throw error
        }
    }

    private func join(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier, offer: String
    ) throws(Problem) -> ControlReply {
        _ = try requirePhone(connection)
        guard let ongoing = calls[identifier] else { throw Self.noSuchCall }
        if let leg = ongoing.browserLeg(of: connection) {
            return try renew(leg, of: identifier, connection, offer: offer)
        }
        guard ongoing.ringing.contains(connection), ongoing.call.admitsNear else { throw Self.noSuchCall }
        guard ongoing.isEmergency || callsOf(connection).count < Self.mostCallsOfPage else { throw Self.busyHere }
        let page = try pageOffer(offer)
        let leg = makeLeg()
        let answer = try openBrowserLeg(leg, page)
        callOfLeg[leg] = identifier
        calls[identifier]?.browserLegs[leg] = connection
        calls[identifier]?.pageCodecs.formUnion(page.offer.codecs.map(\.codec))
        update(identifier) { $0.nearJoined(leg) }
        return .media(call: identifier, answer: Redacted(answer))
    }

    private func answer(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier
    ) throws(Problem) -> ControlReply {
        guard let ongoing = calls[identifier], let leg = ongoing.browserLeg(of: connection) else {
            throw Self.noSuchCall
        }
        // Asked twice: nothing is left to do.
        guard ongoing.call.isForTheTaking else { return .done }
        if ongoing.isEmergency { makeWay(on: connection, but: identifier) }
        guard holdsAll(connection, but: identifier) else { throw Self.busyHere }
        let others = ongoing.ringing.filter { $0 != connection }
        update(identifier) { $0.nearAnswered(leg, now: .now()) }
        guard calls[identifier]?.call.isForTheTaking == false else { throw Self.noSuchCall }
        calls[identifier]?.ringing = []
        taken(identifier, by: connection)
        if !ongoing.connectedLegs.contains(leg) {
            calls[identifier]?.soundDeadline = .now() + OngoingCall.soundTime
        }
        for other in others where phones[other] != nil {
            publish(.ended(connection: other, call: identifier, reason: .answeredElsewhere))
        }
        return .done
    }

    private func take(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier, _ body: (inout Call) -> [Call.Effect]
    ) throws(Problem) {
        guard let ongoing = calls[identifier], ongoing.audience(phones).contains(connection) else {
            throw Self.noSuchCall
        }
        update(identifier, body)
    }

    private func send(
        digits: String, _ connection: ConnectionIdentifier, _ identifier: CallIdentifier
    ) throws(Problem) -> ControlReply {
        guard let ongoing = calls[identifier], ongoing.browserLeg(of: connection) != nil,
            let leg = ongoing.trunkLeg, ongoing.call.publicState == .active
        else { throw Self.noSuchCall }
        guard (1...32).contains(digits.utf8.count), digits.allSatisfy("0123456789ABCD*#".contains) else {
            throw Problem(
                code: "call.digits-invalid", sentence: "These are not telephone digits.",
                remedy: "Send 1 to 32 of 0-9, A-D, * and #.")
        }
        press(digits, on: leg, of: ongoing)
        for digit in digits { record(digit, .near, of: identifier) }
        return .done
    }

    /// Whether a page may begin a call: beside one that it holds, to ask somebody before a transfer, but not a third.
    private func isFree(_ connection: ConnectionIdentifier) -> Bool {
        let own = callsOf(connection)
        return own.count < Self.mostCallsOfPage && own.allSatisfy(\.call.isHeldHere)
    }

    private func requirePhone(_ connection: ConnectionIdentifier) throws(Problem) -> Phone {
        guard let phone = phones[connection] else {
            throw Problem(
                code: "phone.not-attached", sentence: "This page is not connected to the box.", remedy: "Reload it.")
        }
        return phone
    }

    /// The far side of a call that is wanted, made ready.
    struct FarSide {
        var side: Call.Far
        var dialled: Redacted<String>?
        var description: SessionDescription?
    }

    /// Whoever calls it closes a trunk leg that leads to no call.
    func openFar(_ destination: Destination) throws(Problem) -> FarSide {
        switch destination {
        case .service(let service): return FarSide(side: .service(service))
        case .number(let number):
            let leg = makeLeg()
            let description = try openTrunkLeg(leg)
            return FarSide(side: .trunk(leg), dialled: Redacted(number.text), description: description)
        }
    }
}

// MARK: - Sound

extension Switchboard {
    func pageOffer(_ text: String) throws(Problem) -> (offer: BrowserOffer, audio: BrowserAudio) {
        do {
            let offer = try BrowserOffer(SessionDescription(text))
            return (offer, try offer.audio(allowed: AudioCodec.allCases))
        } catch SDPError.noSharedCodec {
            throw EndReason.noCommonCodec.problem
        } catch {
            log.debug("A page's offer cannot be used.", metadata: ["error": "\(error)"])
            throw Problem(
                code: "page.offer-invalid", sentence: "The browser's sound offer cannot be used.",
                remedy: "Reload the page; if it stays so, use a current Firefox or Chromium.")
        }
    }

    /// - Returns: the SDP for the page.
    func openBrowserLeg(
        _ leg: LegIdentifier, _ page: (offer: BrowserOffer, audio: BrowserAudio)
    ) throws(Problem) -> String {
        let local = ICECredentials(using: &generator)
        let source = UInt32.random(in: 1...UInt32.max, using: &generator)
        let name = hexadecimal(bytes: 8, using: &generator)
        let answer: SessionDescription
        do {
            answer = try page.offer.answer(
                local: local, fingerprint: media.fingerprint, candidates: browserCandidates,
                sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator), cname: name, ssrc: source,
                allowed: AudioCodec.allCases)
        } catch {
            throw EndReason.noCommonCodec.problem
        }
        media.openBrowserLeg(
            leg, local: local, remote: page.offer.remote, remoteFingerprint: page.offer.fingerprint,
            audio: page.audio, ssrc: source, cname: name)
        return answer.text
    }

    static let busyHere = Problem(
        code: "call.busy-here", sentence: "This page is in a call already.",
        remedy: "Hold that one or hang it up first.")
    static let noSuchCall = Problem(
        code: "call.unknown", sentence: "This call is over.", remedy: "")
}
