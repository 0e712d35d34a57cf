import Control
import SDP
import SIP
import Wire

// What is found out about providers by use, for their owner and for whoever writes a preset.
extension Switchboard {
    /// Notes something about an account's provider, and has it kept if that is news.
    func measure(_ name: String?, _ note: (inout ProviderMeasurements) -> Void) {
        guard let name, line(name) != nil else { return }
        let former = measured
        note(&measured[name, default: ProviderMeasurements()])
        guard measured != former else { return }
        // Accounts that are no longer configured are forgotten with the next news.
        measured = measured.filter { line($0.key) != nil }
        remember(measured)
    }

    /// A call was answered: the session timer that came of it, whoever called whom.
    func measureSession(on leg: LegIdentifier) {
        guard let interval = userAgent.sessionInterval(of: leg) else { return }
        measure(userAgent.trunk(of: leg)?.name) { $0.sessionInterval = interval }
    }

    func measure(_ audio: TrunkAudio, on leg: LegIdentifier) {
        measure(userAgent.trunk(of: leg)?.name) { measured in
            guard !audio.remote.host.isUnspecified else { return }
            measured.heard(codec: audio.codec.rawValue, from: "\(audio.remote.host)")
        }
    }
}
