import Call
import Control
import Logging
import Media
import SIP
import Settings
import Wire

// Keys that are pressed in a call, however they travel: with the sound, or by INFO.
extension Switchboard {
    /// Whether a key that was heard is one that was not heard on another way.
    func isNews(
        _ digit: Character, by way: HeardKeys.Way, on leg: LegIdentifier, of identifier: CallIdentifier
    ) -> Bool {
        calls[identifier]?.heard[leg, default: HeardKeys()].hears(digit, by: way, now: .now()) ?? false
    }

    /// A key of the far side, or of a page that talks to a service of the box.
    func hear(_ digit: Character, on leg: LegIdentifier, of identifier: CallIdentifier) {
        guard let ongoing = calls[identifier] else { return }
        record(digit, ongoing.isNear(leg) ? .near : .far, of: identifier)
        for connection in ongoing.audience(phones) {
            publish(.digit(connection: connection, call: identifier, digit: String(digit)))
        }
    }

    /// Sends keys to the far side that a page asked the box to press.
    func press(_ digits: String, on leg: LegIdentifier, of ongoing: OngoingCall) {
        guard sendsDigitMessages(ongoing, leg) else { return media.sendDigits(leg, digits) }
        for digit in digits { send(digit, on: leg) }
    }

    /// A key that the page sent with its sound: the media engine has passed it on, unless it is to go by INFO.
    func relay(_ digit: Character, of ongoing: OngoingCall) {
        guard let leg = ongoing.trunkLeg, ongoing.call.publicState == .active, !ongoing.call.isHeldHere,
            sendsDigitMessages(ongoing, leg)
        else { return }
        send(digit, on: leg)
    }

    /// A key that came over one trunk leg of a call that was passed on goes to the other in the way that its account wants.
    /// What came with the sound went on with it already, unless it is to go by INFO.
    /// - Parameter isNews: the other way did not bring the same key.
    func passOn(
        _ digit: Character, from leg: LegIdentifier, by way: HeardKeys.Way, isNews: Bool, of identifier: CallIdentifier
    ) {
        guard let ongoing = calls[identifier], let other = ongoing.opposite(leg), ongoing.call.publicState == .active,
            !ongoing.call.isHeldHere, !ongoing.call.isHeldThere
        else { return }
        if sendsDigitMessages(ongoing, other) {
            if isNews { send(digit, on: other) }
        } else if way == .message {
            // What comes with the sound is passed on without waiting for anybody: where it goes is known which came first.
            media.relayDigit(digit, from: leg, to: other)
        }
    }

    /// The provider wants keys by INFO, so the media engine keeps them out of the sound.
    func chooseDigitTransport(_ leg: LegIdentifier, _ trunk: TrunkSettings) {
        media.setDigitsInSound(leg, trunk.digits != .message)
    }

    /// The far side takes no INFO: the sound carries the keys from now on.
    func digitsRefused(_ leg: LegIdentifier, status: Int) {
        guard let identifier = callOfLeg[leg] else { return }
        log.debug("A key by INFO was refused.", metadata: ["call": "\(identifier)", "status": "\(status)"])
        // 491: too many wait already; the next may go.
        if status != 491 {
            calls[identifier]?.withoutDigitMessages.insert(leg)
            media.setDigitsInSound(leg, true)
        }
        carryOut([.notice(Self.digitsRefused)], of: identifier)
    }

    private func sendsDigitMessages(_ ongoing: OngoingCall, _ leg: LegIdentifier) -> Bool {
        let trunk = ongoing.onward?.leg == leg ? ongoing.onward?.way?.trunk : ongoing.trunk
        return trunk.flatMap { line($0)?.settings.digits } == .message && !ongoing.withoutDigitMessages.contains(leg)
    }

    private func send(_ digit: Character, on leg: LegIdentifier) {
        guard let report = DigitReport(digit) else { return }
        perform(userAgent.sendDigit(leg, report, now: .now(), using: &generator))
    }

    static let digitsRefused = Problem(
        code: "call.digits-refused", sentence: "The other side did not take a pressed key.",
        remedy: "Press it once more.")
}
