package import Control

/// What `sipcall call` says while the call goes on.
package enum CallProgress {
    /// - Returns: nil for what is not worth a line.
    package static func line(_ event: BoxEvent) -> String? {
        switch event.kind {
        case .callSummoning: "Ringing here: pick up on a page of the box."
        case .callDialling: "Dialling."
        case .callRinging: "It rings there."
        case .callEarly: "It sounds there already."
        case .callAnswered: "Answered. Ctrl-C hangs up."
        case .callNotice: event.sentence
        case .callEnded:
            "Ended: \(event.sentence ?? "")"
                + (event.talkMilliseconds.map { " You talked for \(words(seconds: Int($0 / 1000)))." } ?? "")
        default: nil
        }
    }
}
