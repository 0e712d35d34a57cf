/// What the provider found out about whether a caller may show the number that it shows (STIR/SHAKEN, ATIS-1000074 §5.2.3).
package enum CallerVerification: String, Sendable, Codable, CaseIterable {
    /// Somebody on the way vouches for it.
    case passed
    /// The signature is wrong: most likely somebody else calls.
    case failed
    case notDone = "not-done"

    package var sentence: String {
        switch self {
        case .passed: "The caller's number was verified on the way."
        case .failed: "The caller's number could not be verified: it may be forged."
        case .notDone: "Nobody verified the caller's number."
        }
    }
}
