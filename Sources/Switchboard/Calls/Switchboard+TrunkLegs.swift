import Call
import Control
import Logging
import Media
import SDP
import SIP
import Settings
import Wire

// The trunk side of calls: what the user agent tells of them, and how their sound is agreed on.
extension Switchboard {
    func take(_ event: UserAgentEvent) {
        switch event {
        case .registration(let trunk, let state): take(state, of: trunk)
        case .seen(let trunk, let address):
            if let line = line(trunk), let index = index(line.number) { lines[index].seenAt = address }
        case .sessionMinimum(let trunk, let seconds): measure(trunk) { $0.minimumSession = seconds }
        case .targetReached(let trunk, let peer): take(nil, at: peer, of: trunk)
        case .targetFailed(let trunk, let peer, let failure): take(failure, at: peer, of: trunk)
        case .incoming(let leg, let from, let name, _, let offer):
            noteLife(of: userAgent.trunk(of: leg)?.name)
            ring(leg, from: from, name: name, offer: offer)
        case .incomingReplacement(let leg, let former, let from, _, _, let offer):
            replace(former, by: leg, from: from, offer: offer)
        case .ringing(let leg):
            noteAnswer(leg)
            onwardAlerts(leg)
            if isNext(leg) { nextProgressed(leg, status: 180) } else { update(leg) { $0.farRinging() } }
        case .noReplyYet(let leg): if !hurriesOn(leg) { update(leg) { $0.farSilent() } }
        case .progress(let leg, let body):
            noteAnswer(leg)
            onwardAlerts(leg)
            guard agree(leg, on: body) else { return }
            if isNext(leg) { nextProgressed(leg, status: 183) } else { update(leg) { $0.farProgressed() } }
        case .answered(let leg, let body): answered(leg, body)
        case .retryAfter(let leg, let seconds):
            if let identifier = callOfLeg[leg] { calls[identifier]?[way: leg]?.retryAfter = seconds }
        case .reason(let leg, let reason): callOfLeg[leg].map { calls[$0]?.cause = reason }
        case .ended(let leg, let end): ended(leg, end)
        case .offered(let leg, let offer): answerOffer(leg, offer)
        case .agreed(let leg, let answer): agreed(leg, answer)
        case .offerRefused(let leg, let status): offerRefused(leg, status: status)
        case .digit(let leg, let report):
            if let identifier = callOfLeg[leg] {
                let isNews = isNews(report.revealed.digit, by: .message, on: leg, of: identifier)
                if isNews { hear(report.revealed.digit, on: leg, of: identifier) }
                passOn(report.revealed.digit, from: leg, by: .message, isNews: isNews, of: identifier)
            }
        case .digitsRefused(let leg, let status): digitsRefused(leg, status: status)
        case .transferRequested(let leg, let request): transferRequested(leg, request)
        case .transferProgress(let leg, let status): transferProgressed(leg, status: status)
        case .asked(let number, let outcome): if !concluded(number, outcome) { answered(number, outcome) }
        // The user agent asks before it answers an offer.
        case .renegotiated: break
        }
    }

    private func answered(_ leg: LegIdentifier, _ body: [UInt8]) {
        guard agree(leg, on: body) else {
            guard isNext(leg) else { return terminate(leg, .noCommonCodec) }
            perform(userAgent.hangUp(leg, now: .now(), using: &generator))
            return nextEnded(leg, .rejected(status: 488, reason: ""))
        }
        if isNext(leg) { return nextAnswered(leg) }
        noteAnswer(leg)
        measureSession(on: leg)
        if let identifier = onwardCall(leg) {
            update(identifier) { $0.onwardAnswered(now: .now()) }
            // Either may have come with a hold.
            for side in [calls[identifier]?.trunkLeg, leg] { side.map { noteHold($0, of: identifier) } }
            return
        }
        update(leg) { $0.farAnswered(now: .now()) }
        if let identifier = callOfLeg[leg] { noteHold(leg, of: identifier) }
    }

    private func ended(_ leg: LegIdentifier, _ end: LegEnd) {
        if isNext(leg) { return nextEnded(leg, end) }
        if case .realmForeign(let realm) = end {
            log.warning(
                "The provider asked for the password in a realm that is not the account's.",
                metadata: [
                    "code": "call.realm-foreign", "trunk": "\(callOfLeg[leg].flatMap { calls[$0]?.trunk } ?? "")",
                    "realm": "\(realm)",
                ])
        }
        if goesElsewhere(leg, after: end) { return }
        let ongoing = callOfLeg[leg].flatMap { calls[$0] }
        let way = ongoing?[way: leg]
        let line = (way?.trunk ?? ongoing?.trunk).flatMap { self.line($0) }
        let reason = EndReason(
            end, cause: ongoing?.cause, over: way?.peer.transport ?? line?.route?.target.transport ?? .udp,
            network: line?.isCutOff == true ? Self.noRoute : line?.connectionProblem)
        if let identifier = onwardCall(leg) {
            calls[identifier]?.onward?.end = reason
            // Whoever hung up there hung up here, as the caller's half of the call sees it.
            return update(identifier) { $0.nearEnded(leg, reason.ofOtherSide) }
        }
        update(leg) { $0.farEnded(reason) }
    }

    private func terminate(_ leg: LegIdentifier, _ reason: EndReason) {
        guard let identifier = onwardCall(leg) else { return update(leg) { $0.terminate(reason) } }
        update(identifier) { $0.terminate(reason) }
    }

    /// Tells a call what its far side does. A leg whose place another has taken has nothing to say any more.
    private func update(_ leg: LegIdentifier, _ body: (inout Call) -> [Call.Effect]) {
        guard let identifier = callOfLeg[leg], calls[identifier]?.trunkLeg == leg else { return }
        update(identifier, body)
    }

    /// Reads the far side's answer; an empty one means that an earlier one still holds.
    /// - Returns: whether there is something both sides can hear.
    private func agree(_ leg: LegIdentifier, on body: [UInt8]) -> Bool {
        guard let identifier = callOfLeg[leg], let side = calls[identifier]?[side: leg] else { return false }
        if body.isEmpty { return side.audio != nil }
        do {
            let audio = try TrunkOffer.agreed(offer: side.description, answer: SessionDescription(body))
            use(audio, on: leg, of: identifier)
            return true
        } catch {
            log.warning(
                "The provider's SDP cannot be used.",
                metadata: [
                    "call": "\(identifier)", "code": "call.provider-sdp-unusable", "error": "\(error)",
                ])
            return false
        }
    }

    /// - Parameter name: of the account; nil for the one that the next call goes out by.
    /// - Returns: our offer.
    func openTrunkLeg(_ leg: LegIdentifier, over name: String? = nil) throws(Problem) -> SessionDescription {
        let (line, local) = try firstLine(name)
        let port = try media.openTrunkLeg(leg, over: local.family)
        chooseDigitTransport(leg, line.settings)
        return offer(port: port, over: line, local: local)
    }

    /// Calls that may ring at a time: invitations can be forged, and each holds ports and disturbs people.
    static let ringingLimit = 16

    private func ring(
        _ leg: LegIdentifier, from: Redacted<String>, name: Redacted<String>?, offer: [UInt8]?
    ) {
        let idle = ringablePages
        guard ringingHere < Self.ringingLimit else {
            recordRefusal(leg, from: from, Self.tooManyRing)
            perform(userAgent.reject(leg, status: 503, now: .now(), using: &generator))
            return
        }
        guard !draining else {
            recordRefusal(leg, from: from, Self.isDrained)
            perform(userAgent.reject(leg, status: 480, now: .now(), using: &generator))
            return
        }
        let isPassedOn = isPassedOn(idle: idle)
        guard !stopping, !idle.isEmpty || isPassedOn else {
            recordRefusal(
                leg, from: from,
                stopping ? EndReason.boxStopping.problem : pageCount == 0 ? Self.noPageOpen : Self.pagesBusy)
            perform(
                userAgent.reject(
                    leg, status: phones.values.allSatisfy(\.isLost) || stopping ? 480 : 486, now: .now(),
                    using: &generator))
            return
        }
        let identifier = CallIdentifier(using: &generator)
        do {
            let (description, audio) = try answer(offer, on: leg)
            let (call, effects) = Call.inbound(identifier, far: leg, now: .now())
            callOfLeg[leg] = identifier
            calls[identifier] = OngoingCall(
                call: call, ringing: isPassedOn ? [] : idle, from: from, name: name, trunkDescription: description,
                trunkAudio: audio, forwardAt: isPassedOn ? nil : forwardingTime)
            calls[identifier]?.trunk = userAgent.trunk(of: leg)?.name
            let verification = userAgent.caller(of: leg)?.verification.map { CallerVerification($0) }
            calls[identifier]?.verification = verification
            traceLeg(leg, of: identifier)
            if let audio {
                media.setTrunkAudio(leg, audio)
                measure(audio, on: leg)
            }
            record(.callCreated, identifier) { event in
                event.pages = isPassedOn ? 0 : idle.count
                event.verification = verification
            }
            if isPassedOn {
                carryOut(effects, of: identifier)
                return passOn(identifier)
            }
            for connection in idle.sorted(by: { $0.description < $1.description }) {
                publish(
                    .incoming(
                        connection: connection, call: identifier, from: from, name: name, verification: verification))
            }
            carryOut(effects, of: identifier)
        } catch {
            media.close(leg)
            log.debug("A call's sound offer cannot be used.", metadata: ["error": "\(error)"])
            recordRefusal(leg, from: from, (error as? Problem) ?? EndReason.noCommonCodec.problem)
            perform(userAgent.reject(leg, status: 488, now: .now(), using: &generator))
        }
    }

    /// Our side of a call that comes in: the answer, or the offer where the invitation has none.
    func answer(_ offer: [UInt8]?, on leg: LegIdentifier) throws -> (SessionDescription, TrunkAudio?) {
        guard let trunk = userAgent.trunk(of: leg), let line = line(trunk.name) else {
            throw EndReason.noCommonCodec.problem
        }
        let wanted = try offer.map { try SessionDescription($0) }
        let local = soundSource(of: line, in: trunk.family, for: wanted)
        let port = try media.openTrunkLeg(leg, over: local.family)
        chooseDigitTransport(leg, line.settings)
        guard let wanted else { return (self.offer(port: port, over: line, local: local), nil) }
        let (answer, audio) = try TrunkAnswer.make(
            to: wanted,
            local: NetworkAddress(host: soundHost(of: line, local: local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator),
            codecs: line.settings.codecs.compactMap(AudioCodec.init))
        return (answer, audio)
    }
}

extension CallerVerification {
    fileprivate init(_ verification: CallerIdentity.Verification) {
        self =
            switch verification {
            case .passed: .passed
            case .failed: .failed
            case .notDone: .notDone
            }
    }
}
