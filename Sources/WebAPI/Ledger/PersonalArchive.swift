import Ledger
import Wire

/// The calls of one person in one form, whatever the spelling they are kept under.
struct PersonalArchive {
    private var export: CallExport
    private let form: ExportForm
    private let subject: ErasureSubject
    private let until: WallTime

    /// - Parameter until: calls that begin later are left out, so that all forms have the same ones.
    init(_ subject: ErasureSubject, as form: ExportForm, until: WallTime) {
        (self.subject, self.form, self.until) = (subject, form, until)
        // Several spellings are one person's: the filter decides, over the whole ledger. One alone is found by its hash.
        var query = subject.spellings.count == 1 ? subject.query(subject.spellings[0]) : CallQuery()
        query.until = until
        export = CallExport(query, as: form) { subject.share(of: $0) }
    }

    mutating func next(from store: LedgerStore) async throws(Problem) -> [UInt8]? { try await export.next(from: store) }

    static func explanation(_ subject: ErasureSubject, time: WallTime) -> String {
        let person = if case .user = subject { "this user of the box" } else { "this telephone number" }
        let left =
            if case .user = subject {
                "Of the other party's number only the last two digits and the country are given, of its name nothing."
            } else {
                "Who of the box's users made or took a call, and with which device, is left out; of whoever else took part, where "
                    + "a call was put through, only the last two digits and the country are given."
            }
        return """
            What this telephone box keeps about \(person), at \(time) (UTC).

            calls.csv    every call, a line each (RFC 4180, UTF-8); calls.json the same for programs.
                         dialled, ringing, answered, ended: when, in UTC; zone: where the box stands.
                         seconds: how long it was talked; mos_*: how it sounded (1 bad, 4.5 good).

            The data of others is left out (GDPR article 15 paragraph 4): \(left)
            Conversations are never recorded. What this archive has can be erased on request (article 17).

            Was diese Telefonanlage zu \(subject.isUser ? "diesem Benutzer" : "dieser Rufnummer") speichert: calls.csv und calls.json \
            enthalten dieselben Anrufe. Daten Dritter sind ausgelassen (Artikel 15 Absatz 4 DSGVO). Gespräche werden nie \
            aufgezeichnet. Auf Verlangen wird alles davon gelöscht (Artikel 17).

            """
    }
}

extension ErasureSubject {
    var isUser: Bool { if case .user = self { true } else { false } }
}
