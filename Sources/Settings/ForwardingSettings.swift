package import Wire

/// Where calls go that nobody here takes.
package struct ForwardingSettings: Sendable, Equatable {
    package enum Occasion: String, Sendable, CaseIterable {
        /// Every call; no page rings.
        case always
        /// While no page is there to ring.
        case absent
        /// While no page is there, and when nobody picked up in time.
        case unanswered
    }

    /// As a user would dial it; the rules for dialling hold for it as for everybody.
    package var number: Redacted<String>
    package var occasion: Occasion = .unanswered
    /// Seconds of ringing before "unanswered", 5...55.
    package var patience = 20

    package init(number: Redacted<String>) {
        self.number = number
    }

    /// - Returns: nil without the table.
    init?(from source: SettingsTable) throws(SettingsError) {
        guard source.isPresent else { return nil }
        var table = source
        let number = try table.required("number", example: "+491701234567")
        guard (1...64).contains(number.utf8.count) else {
            throw table.error("number", "This is not a telephone number.", "For example: number = \"+491701234567\".")
        }
        self.init(number: Redacted(number))
        if let text = try table.string("when", example: Occasion.unanswered.rawValue) {
            guard let occasion = Occasion(rawValue: text) else {
                throw table.error(
                    "when", "Calls are passed on always, when everybody is absent, or when unanswered.",
                    "For example: when = \"unanswered\".")
            }
            self.occasion = occasion
        }
        patience = try table.integer("after", in: 5...55) ?? patience
        try table.refuseUnknownKeys()
    }
}
