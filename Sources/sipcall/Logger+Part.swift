import Logging
import Systemd

extension Logger {
    private static let journal = Journal.behindStandardError()

    static var writesToJournal: Bool { journal != nil }

    /// Logs to the journal where standard error leads there, else to standard error.
    /// - Parameter part: the process of the box: `core`, `web`, `run`.
    init(part: String, verbose: Bool) {
        let level = verbose ? Logger.Level.debug : .info
        self.init(label: part) { label in
            guard let journal = Self.journal else { return StandardErrorLog(label: label, logLevel: level) }
            return JournalLog(part: label, level: level, journal: journal)
        }
    }
}
