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

/// What a person dialled, made plain.
package enum Destination: Sendable, Equatable {
    case service(BoxService)
    /// Digits, `*` and `#`, perhaps after one `+`.
    case number(String)

    /// Takes what people type and paste: spaces, hyphens, dots, slashes and brackets are left out.
    ///
    /// - Returns: nil when nothing diallable is left: empty, longer than 32 digits, or with other characters.
    package init?(dialled text: String) {
        guard text.utf8.count <= 128 else { return nil }
        var digits = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "0"..."9", "*", "#": digits.unicodeScalars.append(scalar)
            case "+" where digits.isEmpty: digits.append("+")
            case " ", "-", ".", "/", "(", ")", "\u{a0}", "\u{2011}", "\u{2013}", "\u{202f}": continue
            default: return nil
            }
        }
        guard !digits.isEmpty, digits != "+", digits.utf8.count <= 32 else { return nil }
        if let service = BoxService.allCases.first(where: { $0.code == digits }) {
            self = .service(service)
        } else {
            self = .number(digits)
        }
    }
}
