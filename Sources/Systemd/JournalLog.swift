package import Logging

/// Log lines as entries of the journal, with fields that can be searched for.
///
/// The metadata key `call` becomes `SIPCALL_CALL`, so that `journalctl SIPCALL_CALL=…` tells one call's whole story;
/// any other key likewise. A `code` that the message catalog explains gives the entry its `MESSAGE_ID`, so that
/// `journalctl -x` shows cause and remedy; without one the `event` does, which says what kind of ordinary thing happened.
/// The sentence with its fields is the line that standard error would get.
package struct JournalLog: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let identifier: String
    private let journal: Journal

    /// - Parameter part: the process of the box, `core`; its lines are those of `sipcall-core`.
    package init(part: String, level: Logger.Level, journal: Journal) {
        identifier = "sipcall-\(part)"
        logLevel = level
        self.journal = journal
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let tail = fields.filter { $0.key != "event" }.map { " \($0.key)=\($0.value)" }.joined()
        var entry = JournalEntry()
        entry.add("MESSAGE", "\(event.message)\(tail)", atMost: JournalEntry.longestMessage)
        entry.add("PRIORITY", "\(Self.priority(event.level))")
        entry.add("SYSLOG_IDENTIFIER", identifier)
        if let identifier = Self.identifier(of: fields) { entry.add("MESSAGE_ID", identifier) }
        for (key, value) in fields { entry.add("SIPCALL_\(key)", "\(value)") }
        journal.write(entry)
    }

    private static func identifier(of fields: [Logger.Metadata.Element]) -> String? {
        func value(_ key: String) -> String? { fields.first { $0.key == key }.map { "\($0.value)" } }
        return value("code").flatMap(MessageIdentifiers.identifier(of:))
            ?? value("event").flatMap { MessageIdentifiers.identifier(of: "event.\($0)") }
    }

    /// syslog(3)
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
