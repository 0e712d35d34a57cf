package import Wire

/// The record of processing activities that GDPR article 30 asks of whoever runs a telephone exchange, in Markdown, as far as the
/// box knows it: names and purposes of the organisation are left to fill in.
package struct ProcessingRecord: Sendable {
    package struct Provider: Sendable {
        package var name: String
        package var server: String

        package init(name: String, server: String) {
            (self.name, self.server) = (name, server)
        }
    }

    package enum Language: Sendable { case english, german }

    private let time: WallTime
    private let host: String
    private let version: String
    private let stateDirectory: String
    private let keepDays: Int?
    private let period: String
    private let megabytes: Int
    private let farNumbers: String
    private let providers: [Provider]
    private let country: String?

    package init(
        time: WallTime, host: String, version: String, stateDirectory: String, keepDays: Int?, period: String,
        megabytes: Int, farNumbers: String, providers: [Provider], country: String?
    ) {
        (self.time, self.host, self.version, self.stateDirectory) = (time, host, version, stateDirectory)
        (self.keepDays, self.period, self.megabytes, self.farNumbers) = (keepDays, period, megabytes, farNumbers)
        (self.providers, self.country) = (providers, country)
    }

    package func text(_ language: Language) -> String {
        language == .german ? german : english
    }

    private var english: String {
        let numbers =
            switch farNumbers {
            case "last-two": "the other party's number only with its last two digits and its country, no name"
            case "none": "neither number nor name of the other party"
            default: "the other party's number, and its name if one is known"
            }
        let kept =
            keepDays.map { "\(counted($0, "day")) after the end of their \(period)" }
            ?? "without a limit of time (set keep_days in [ledger] to have one)"
        return """
            # Record of processing activities (GDPR article 30): telephony

            Made by SIPCall \(version) on \(host), \(time.description.prefix(10)), from the settings of the box.
            Lines with ______ are for the controller to fill in.

            ## Controller
            Name and contact: ______
            Data protection officer, if there is one: ______

            ## Purposes and lawful basis
            Making and taking telephone calls; finding missed calls again; finding faults; guarding against toll fraud.
            Article 6 (1) (b) or (f) GDPR; in detail: ______

            ## Whose data
            Users of the box (\(country.map { "which stands in \($0)" } ?? "its country is not set")), and the people \
            they call or are called by.

            ## Which data
            - Calls: \(numbers); user, provider, device; times of dialling, ringing, answer and end; reason of the end; codecs; \
            figures of sound quality. **Conversations are not recorded**, and neither are pressed keys.
            - Who signed in to the page, from which address, and what was exported, erased or set (audit log).
            - For finding faults, in memory only and until the restart: the SIP messages of recent calls.

            ## Who receives them
            \(receivers("- %1 (%2), which carries the calls: the number dialled, the sound, the own number", "Nobody: no provider is set up."))

            Data goes nowhere else: no cloud, no telemetry. A transfer to a third country takes place only through calls to it and \
            through a provider there: ______

            ## How long
            Calls are kept \(kept), and at most \(megabytes) MiB of them; the oldest go first. The key of a \(period) is destroyed \
            first, then its file. The audit log is kept as long as the box.
            A person's data is erased on request (sipcall privacy erase); an older backup that is restored does not bring it back.

            ## Where, and how it is protected (article 32)
            On this machine, below \(stateDirectory).
            Sealed with HPKE on arrival by a process that cannot read it again; then AES-256-GCM, each \(period) under a key of its \
            own, wrapped by a master key. Signalling and media run in a process without access to the records. Passwords are \
            kept as scrypt hashes. Who did what is kept in a chain of hashes that shows every change. Backups are encrypted.
            Further measures of the organisation: ______
            """
    }

    private var german: String {
        let unit = ["month": "Monats", "week": "Woche", "day": "Tages"][period] ?? period
        let one = ["month": "jeder Monat", "week": "jede Woche", "day": "jeder Tag"][period] ?? period
        let numbers =
            switch farNumbers {
            case "last-two": "die Rufnummer der Gegenseite nur mit den letzten zwei Ziffern und dem Land, kein Name"
            case "none": "weder Rufnummer noch Name der Gegenseite"
            default: "die Rufnummer der Gegenseite und, wenn bekannt, ihr Name"
            }
        let article = period == "week" ? "ihrer" : "ihres"
        let kept =
            keepDays.map { "\($0 == 1 ? "1 Tag" : "\($0) Tage") nach dem Ende \(article) \(unit) aufbewahrt" }
            ?? "ohne zeitliche Grenze aufbewahrt (keep_days in [ledger] setzt eine)"
        return """
            # Verzeichnis von Verarbeitungstätigkeiten (Artikel 30 DSGVO): Telefonie

            Erstellt von SIPCall \(version) auf \(host) am \(time.description.prefix(10)) aus den Einstellungen der Box.
            Zeilen mit ______ füllt der Verantwortliche aus.

            ## Verantwortlicher
            Name und Kontakt: ______
            Datenschutzbeauftragter, falls benannt: ______

            ## Zwecke und Rechtsgrundlage
            Anrufe tätigen und annehmen; verpasste Anrufe wiederfinden; Störungen finden; Schutz vor Gebührenbetrug.
            Artikel 6 Absatz 1 Buchstabe b oder f DSGVO; im Einzelnen: ______

            ## Betroffene
            Benutzer der Box (\(country.map { "Standort \($0)" } ?? "ihr Land ist nicht eingestellt")) und alle, die sie anrufen \
            oder von denen sie angerufen werden.

            ## Daten
            - Anrufe: \(numbers); Benutzer, Anbieter, Gerät; Zeitpunkte von Wahl, Rufton, Annahme und Ende; Grund des Endes; Codecs; \
            Messwerte der Tonqualität. **Gespräche werden nicht aufgezeichnet**, gedrückte Tasten ebenso wenig.
            - Wer sich von welcher Adresse an der Seite angemeldet hat, und was ausgegeben, gelöscht oder eingestellt wurde (Prüfprotokoll).
            - Zur Fehlersuche, nur im Arbeitsspeicher und bis zum Neustart: die SIP-Nachrichten der letzten Anrufe.

            ## Empfänger
            \(receivers("- %1 (%2), der die Anrufe befördert: gewählte Nummer, Ton, eigene Nummer", "Niemand: Es ist kein Anbieter eingerichtet."))

            Sonst gehen keine Daten hinaus: keine Cloud, keine Telemetrie. In ein Drittland übermittelt werden Daten nur durch Anrufe \
            dorthin und durch einen Anbieter dort: ______

            ## Löschfristen
            Anrufe werden \(kept), und höchstens \(megabytes) MiB davon; die ältesten gehen zuerst. \
            Erst wird der Schlüssel vernichtet, dann die Datei. Das Prüfprotokoll bleibt so lange wie die Box.
            Die Daten einer Person werden auf Verlangen gelöscht (sipcall privacy erase); ein älteres Backup bringt sie nicht zurück.

            ## Ort und Schutz (Artikel 32)
            Auf dieser Maschine, unter \(stateDirectory).
            Beim Eintreffen mit HPKE versiegelt von einem Prozess, der sie nicht wieder lesen kann; danach AES-256-GCM, \(one) unter \
            eigenem Schlüssel, umhüllt von einem Hauptschlüssel. Signalisierung und Medien laufen in einem Prozess ohne Zugriff auf \
            die Aufzeichnungen über Anrufe. Passwörter liegen als scrypt-Hashes vor. Wer was getan hat, steht in einer Hash-Kette, \
            die jede Änderung zeigt. Backups sind verschlüsselt.
            Weitere Maßnahmen der Organisation: ______
            """
    }

    private func receivers(_ line: String, _ nobody: String) -> String {
        guard !providers.isEmpty else { return nobody }
        return providers.map { provider in
            line.split(separator: "%1", maxSplits: 1).joined(separator: provider.name)
                .split(separator: "%2", maxSplits: 1).joined(separator: provider.server)
        }.joined(separator: "\n")
    }
}
