/// How long records of calls are kept.
package struct LedgerKeeping: Sendable, Equatable {
    package enum Period: String, Sendable, CaseIterable {
        case month, week, day
    }

    /// What is encrypted under one key, and so goes as one.
    package var period: Period = .month
    /// Days after the end of its period that a record is kept; nil: for ever.
    package var days: Int?
    /// Megabytes (2^20 bytes) that the ledger may have; the oldest goes first.
    package var megabytes = 4096

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
        try table.refuseUnknownKeys()
    }
}
