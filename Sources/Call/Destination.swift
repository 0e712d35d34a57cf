package import Numbering

/// A service of the box itself, callable without any provider.
package enum BoxService: String, Sendable, Codable, CaseIterable {
    /// Plays back what is said: `*43`.
    case echo
    /// The reference tone of telephony, 1004 Hz at 0 dBm0: `*44`.
    case milliwatt
    /// Plays each pressed digit back as its tones: `*45`.
    case digitReadBack

    /// What to dial for it.
    package var code: String {
        switch self {
        case .echo: "*43"
        case .milliwatt: "*44"
        case .digitReadBack: "*45"
        }
    }
}

/// What a person dialled, made plain (``DiallingRules/destination(_:)``).
package enum Destination: Sendable, Equatable {
    case service(BoxService)
    case number(DialledNumber)
}
