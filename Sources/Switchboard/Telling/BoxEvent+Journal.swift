import Call
import Control
import Logging

/// A line of the journal: `journalctl SIPCALL_CALL=…` tells a call's whole story. No number is in it.
struct JournalLine: Equatable {
    var level: Logger.Level
    var sentence: String
    var fields: Logger.Metadata
}

extension BoxEvent {
    /// - Returns: nil for what is not worth a line: heartbeats and single keys.
    var journalLine: JournalLine? {
        switch kind {
        case .boxHeartbeat, .callDigit: nil
        case .callCreated: line(.info, direction == .inbound ? "A call comes in." : "A call is wanted.")
        case .callRefused where direction == .outbound:
            line(.notice, "A call was not dialled. \(sentence ?? "")" + missing)
        case .callRefused:
            line(.notice, "A call came in and was turned away. \(sentence ?? "")" + missing)
        case .callSummoning: line(.info, "The pages here ring; whoever picks up is put through.")
        case .callDialling: line(.info, "Dialling.")
        case .callRinging: line(.info, direction == .inbound ? "It rings here." : "It rings at the other side.")
        case .callEarly: line(.info, "The other side sends sound before its answer.")
        case .callAnswered: line(.info, "The call was answered.")
        case .callHeld: line(.info, "The call is held \(side == .far ? "there" : "here").")
        case .callResumed: line(.info, "The call is no longer held \(side == .far ? "there" : "here").")
        case .callTransferred: line(.info, "Somebody else has taken the place of the other side.")
        case .callNotice: line(.notice, sentence ?? "")
        case .callEnded: line(.info, "The call ended. \(sentence ?? "")" + talked)
        case .callSound: line(.info, "Sound \(side == .far ? "of the provider's side" : "of the page"): \(soundWords)")
        case .trunkRegistering: line(.info, "The provider's account is being registered.")
        case .trunkRegistered: line(.info, "The provider's account is registered.")
        case .trunkFailed: line(.warning, sentence ?? "")
        case .trunkUnregistered: line(.info, "The provider's account is no longer registered.")
        case .trunkReady: line(.info, "The provider is there; it wants no registration.")
        case .traceNumbers: line(.notice, "Somebody had SIP messages shown with their telephone numbers.")
        case .phoneAttached: line(.debug, "A page is there.")
        case .phoneDetached: line(.debug, "A page has gone.")
        }
    }

    private func line(_ level: Logger.Level, _ sentence: String) -> JournalLine {
        var fields: Logger.Metadata = ["event": "\(kind.rawValue)"]
        if let call { fields["call"] = "\(call)" }
        if let direction, kind == .callCreated { fields["direction"] = "\(direction.rawValue)" }
        if let service, kind == .callCreated { fields["service"] = "\(service)" }
        if let code { fields["code"] = "\(code)" }
        if let codec { fields["codec"] = "\(codec)" }
        if let trunk { fields["trunk"] = "\(trunk)" }
        if let pages { fields["pages"] = "\(pages)" }
        if kind == .callEnded { fields["digits"] = "\(digits ?? 0)" }
        return JournalLine(level: level, sentence: sentence, fields: fields)
    }

    private var missing: String {
        unreported.map { " So were others that had no line: \($0)." } ?? ""
    }

    private var talked: String {
        guard let talkMilliseconds else { return "" }
        let (seconds, rest) = talkMilliseconds.quotientAndRemainder(dividingBy: 1000)
        return " They talked for \(seconds).\(rest / 100) s."
    }

    private var soundWords: String {
        guard let sound else { return "" }
        return "\(sound.packetsIn) packets came, \(sound.lost) more were lost on the way, \(sound.packetsOut) went, "
            + "jitter \(sound.jitterMilliseconds) ms."
    }
}
