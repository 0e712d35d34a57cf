/// How long records of calls are kept.
package struct LedgerKeeping: Sendable, Equatable {
    package enum Period: String, Sendable, CaseIterable {
        case month, week, day
    }

    package enum FarNumbers: String, Sendable, CaseIterable {
        case full
        /// The last two digits and the country.
        case lastTwo = "last-two"
        case none
    }

    /// What is encrypted under one key, and so goes as one.
    package var period: Period = .month
    /// Days after the end of its period that a record is kept; nil: for ever.
    package var days: Int?
    /// Megabytes (2^20 bytes) that the ledger may have; the oldest goes first.
    package var megabytes = 4096
    /// How much of the other party's number a record keeps.
    package var farNumbers: FarNumbers = .full

    package init() {}

    init(from source: SettingsTable) throws(SettingsError) {
        var table = source
        if let text = try table.string("period", example: Period.month.rawValue) {
            guard let period = Period(rawValue: text) else {
                throw table.error(
                    "period", "Records are kept by month, week or day.", "For example: period = \"month\".")
            }
            self.period = period
        }
        days = try table.integer("keep_days", in: 1...36_500)
        megabytes = try table.integer("megabytes", in: 16...1_048_576) ?? megabytes
        if let text = try table.string("far_numbers", example: FarNumbers.full.rawValue) {
            guard let farNumbers = FarNumbers(rawValue: text) else {
                throw table.error(
                    "far_numbers", "The other party's number is kept in full, with its last two digits, or not at all.",
                    "Write full, last-two or none: far_numbers = \"last-two\".")
            }
            self.farNumbers = farNumbers
        }
        try table.refuseUnknownKeys()
    }
}
