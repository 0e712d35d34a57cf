import Call
import Control
import Logging
import Media
import SIP
import Settings
import Wire

// What the media loops report.
extension Switchboard {
    func take(_ event: MediaEvent) {
        switch event {
        case .connected(let leg):
            guard let identifier = callOfLeg[leg] else { return }
            log.debug("The browser's sound connection is up.", metadata: ["call": "\(identifier)"])
            calls[identifier]?.connectedLegs.insert(leg)
            soundIsBack(leg, of: identifier)
        case .consentBack(let leg):
            if let identifier = callOfLeg[leg] { soundIsBack(leg, of: identifier) }
        case .failed(let leg, let problem):
            guard let identifier = callOfLeg[leg] else { return }
            log.warning("\(problem.sentence)", metadata: ["call": "\(identifier)", "code": "\(problem.code)"])
            // What was heard before may be heard again: a page tries until its time is up.
            if calls[identifier]?.browserLegs[leg] != nil, calls[identifier]?.soundLostAt != nil {
                return soundLost(leg, of: identifier, wait: OngoingCall.soundTime)
            }
            update(identifier) {
                $0.far == .trunk(leg) || $0.transfer?.leg == leg
                    ? $0.terminate(.internalError) : $0.nearEnded(leg, .mediaFailed)
            }
        case .consentLost(let leg):
            guard let identifier = callOfLeg[leg] else { return }
            soundLost(leg, of: identifier, wait: OngoingCall.soundTime)
        case .goodbye(let leg):
            guard let identifier = callOfLeg[leg] else { return }
            soundLost(leg, of: identifier, wait: Self.goodbyeTime)
        case .silent(let leg):
            guard let identifier = callOfLeg[leg] else { return }
            carryOut([.notice(Self.noSound)], of: identifier)
        case .nothingHeard(let leg, let time): checkLife(leg, silentFor: time)
        case .closed(let leg, let figures):
            recordSound(of: leg, figures)
        case .firstPacket(let leg):
            guard let identifier = callOfLeg[leg] else { return }
            log.debug("The first sound packet came.", metadata: ["call": "\(identifier)", "leg": "\(leg)"])
            if calls[identifier]?.trunkLeg == leg { update(identifier) { $0.farHeard() } }
        case .digit(let leg, let digit):
            guard let identifier = callOfLeg[leg], let ongoing = calls[identifier] else { return }
            let isNews = isNews(digit, by: .sound, on: leg, of: identifier)
            if ongoing.trunkLeg == nil || !ongoing.isNear(leg) || ongoing.onward != nil {
                guard isNews else { return }
                hear(digit, on: leg, of: identifier)
                passOn(digit, from: leg, by: .sound, isNews: true, of: identifier)
            } else {
                // Digits that a page sends to a number are relayed; only a service, or the far side, has news for it.
                if isNews { record(digit, .near, of: identifier) }
                relay(digit, of: ongoing)
            }
        }
    }

    func record(_ digit: Character, _ side: BoxEvent.Side, of identifier: CallIdentifier) {
        calls[identifier]?.digits += 1
        record(.callDigit, identifier) { event in
            event.side = side
            event.digit = Redacted(String(digit))
        }
    }

    /// A call on hold is silent by nature, so it is asked about seldom.
    private static let heldSilence: Duration = .seconds(120)

    /// Nothing comes from a trunk leg: perhaps nobody is there any more. Where that is so the call ends at the latest 95 s
    /// after the last packet: 30 s until it is noticed, and 32 s for an answer, or two refusals by the network, 30 s apart;
    /// a call on hold after 155 s. Where sound still comes but nobody answers, the session timer ends it (RFC 4028).
    private func checkLife(_ leg: LegIdentifier, silentFor time: Duration) {
        guard let call = callOfLeg[leg].flatMap({ calls[$0]?.call }), call.publicState == .active, !stopping else {
            return
        }
        guard !call.isHeldHere && !call.isHeldThere || time >= Self.heldSilence else { return }
        perform(userAgent.checkLife(leg, now: .now(), using: &generator))
    }

    private static let noSound = Problem(
        code: "call.no-sound-from-provider", sentence: "No sound has come from the provider for 30 seconds.",
        remedy: "Let UDP from the provider reach the box's media ports; a router may block them.")
}
