import SDP
import SIP
import SIPMessage
import SIPTransport
import Wire

/// Calls from and to the user, and what the dialled numbers do.
extension Carrier {
    private static let codecs: [AudioCodec] = [.pcmu, .pcma]
    private static let ringingTime = Duration.seconds(1)
    private static let earlyMediaTime = Duration.seconds(3)
    /// So long the last of the greeting may be on its way.
    private static let partingTime = Duration.milliseconds(300)
    private static let callBackDelay = Duration.seconds(3)
    /// So long the user is rung.
    private static let patience = Duration.seconds(60)

    func take(_ event: UserAgentEvent) {
        switch event {
        case .incoming(let leg, _, _, let to, let offer): incoming(leg, Service(dialled: to.revealed), offer: offer)
        case .answered(let leg, let body): answered(leg, body)
        case .renegotiated(let leg, let offer): renegotiated(leg, offer)
        case .ended(let leg, let end): ended(leg, end)
        case .registration, .ringing, .progress, .noReplyYet, .asked, .offered, .agreed, .offerRefused, .digit,
            .digitsRefused, .transferRequested, .transferProgress, .incomingReplacement, .reason, .targetReached,
            .targetFailed, .retryAfter, .seen, .sessionMinimum:
            break
        }
    }

    func take(_ happening: Line.Happening, on leg: LegIdentifier) {
        guard let call = calls[leg] else { return }
        switch happening {
        case .digit(let digit): tell(call, "key \(digit)")
        case .greetingEnded:
            if call.service == .callBack { calls[leg]?.stepAt = .now() + Self.partingTime }
        case .silent:
            tell(call, "nothing was heard for a minute")
            hangUp(leg)
        }
    }

    func hangUp(_ leg: LegIdentifier) {
        perform(userAgent.hangUp(leg, now: .now(), using: &generator))
    }

    private func tell(_ call: CarrierCall, _ text: String) {
        Program.say("call \(call.number): \(text)")
    }

    // MARK: From the user

    private func incoming(_ leg: LegIdentifier, _ service: Service, offer: [UInt8]?) {
        callCount += 1
        var call = CarrierCall(number: callCount, service: service, stage: .ringing)
        tell(call, "comes in (\(service.description))")
        guard !isStopping, calls.count < Self.callLimit else { return refuse(leg, call, 503) }
        if let status = service.refusal { return refuse(leg, call, status) }
        do {
            try prepare(&call, leg, answering: offer)
        } catch {
            return refuse(leg, call, (error as? SDPError) == nil ? 503 : 488)
        }
        let now = MonotonicTime.now()
        switch service {
        case .ringForEver: break
        case .earlyMedia: call.stepAt = now + Self.earlyMediaTime
        default: call.stepAt = now + Self.ringingTime
        }
        calls[leg] = call
        if service == .earlyMedia, let audio = call.audio {
            exchange.connect(leg, audio)
            exchange.play(leg, .ringing)
            perform(userAgent.progress(leg, body: call.body, now: now, using: &generator))
        } else {
            perform(userAgent.ring(leg, now: now, using: &generator))
        }
    }

    private func refuse(_ leg: LegIdentifier, _ call: CarrierCall, _ status: Int) {
        exchange.close(leg)
        tell(call, "refused with \(status)")
        perform(userAgent.reject(leg, status: status, now: .now(), using: &generator))
    }

    private struct NoPort: Error {}

    /// Gets the call its port, and says what our session description for it is.
    private func prepare(_ call: inout CarrierCall, _ leg: LegIdentifier, answering offer: [UInt8]?) throws {
        let host = localHost
        let session = UInt64.random(in: 1...UInt64(Int64.max), using: &generator)
        let theirs = try offer.map { try SessionDescription($0) }
        guard let port = exchange.open(leg, on: host) else { throw NoPort() }
        let local = NetworkAddress(host: host, port: port)
        if let theirs {
            let (answer, audio) = try TrunkAnswer.make(
                to: theirs, local: local, sessionID: session, codecs: Self.codecs)
            (call.body, call.audio) = (answer.bytes, audio)
        } else {
            let offer = TrunkOffer.make(local: local, sessionID: session, version: 1, codecs: Self.codecs)
            (call.body, call.offer) = (offer.bytes, offer)
        }
    }

    /// What stands in our descriptions: the address that we listen on, or that the route to the user leaves from.
    private var localHost: NetworkAddress.Host {
        let listen = transport.localAddress.host
        guard listen.isUnspecified, let binding = registrar.newest else { return listen }
        return LocalAddress.towards(binding.source) ?? listen
    }

    // MARK: To the user

    /// Calls the user where he registered last.
    func callUser() {
        guard !isStopping, calls.count < Self.callLimit else { return }
        guard let binding = registrar.newest else { return Program.say("Nobody is registered, so nobody is called.") }
        callCount += 1
        let leg = LegIdentifier(number: nextOutboundLeg)
        nextOutboundLeg += 1
        var call = CarrierCall(number: callCount, service: .greeting, stage: .calling)
        tell(call, "goes out to \(binding.source)")
        useTrunk(towards: binding, at: binding.source)
        guard (try? prepare(&call, leg, answering: nil)) != nil else {
            return tell(call, "no port is free for its sound")
        }
        call.stepAt = .now() + Self.patience
        calls[leg] = call
        perform(
            userAgent.invite(
                leg, to: Redacted(binding.contact.user ?? user), offer: call.body, now: .now(), using: &generator))
    }

    // MARK: Both

    /// The next step that a service takes by itself.
    func step(_ leg: LegIdentifier) {
        guard let call = calls[leg] else { return }
        calls[leg]?.stepAt = nil
        switch call.stage {
        case .ringing:
            calls[leg]?.stage = .talking
            perform(userAgent.accept(leg, answer: call.body, now: .now(), using: &generator))
            if let audio = call.audio { talk(leg, audio) }
        case .calling, .talking: hangUp(leg)
        }
    }

    private func talk(_ leg: LegIdentifier, _ audio: TrunkAudio) {
        guard let call = calls[leg] else { return }
        calls[leg]?.stage = .talking
        calls[leg]?.stepAt = nil
        calls[leg]?.audio = audio
        tell(call, "answered, \(audio.codec.rawValue.uppercased())")
        exchange.connect(leg, audio)
        exchange.play(leg, .greeting)
    }

    /// The answer to our offer, from a 200 or an ACK.
    private func answered(_ leg: LegIdentifier, _ body: [UInt8]) {
        guard let call = calls[leg], let offer = call.offer else { return }
        do {
            talk(leg, try TrunkOffer.agreed(offer: offer, answer: SessionDescription(body)))
        } catch {
            tell(call, "the sound could not be agreed on")
            calls[leg]?.stage = .talking
            hangUp(leg)
        }
    }

    /// The user agent has answered that already with what we said before; where and whether we send may have changed.
    private func renegotiated(_ leg: LegIdentifier, _ offer: [UInt8]) {
        guard var audio = calls[leg]?.audio, let theirs = try? SessionDescription(offer),
            let (_, wanted) = try? TrunkAnswer.make(
                to: theirs, local: transport.localAddress, sessionID: 1, codecs: [audio.codec])
        else { return }
        (audio.remote, audio.remoteRTCP, audio.direction) = (wanted.remote, wanted.remoteRTCP, wanted.direction)
        calls[leg]?.audio = audio
        exchange.connect(leg, audio)
    }

    private func ended(_ leg: LegIdentifier, _ end: LegEnd) {
        exchange.close(leg)
        guard let call = calls.removeValue(forKey: leg) else { return }
        tell(call, "ended: \(end.sentence)")
        if call.service == .callBack, call.stage == .talking, !isStopping {
            callBacks.append(.now() + Self.callBackDelay)
        }
    }
}
