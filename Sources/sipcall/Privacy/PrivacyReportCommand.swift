import ArgumentParser
import Console
import Glibc
import Numbering
import Settings
import Wire

/// `sipcall privacy report`: the record of processing activities (GDPR article 30), filled from the settings.
struct PrivacyReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write the record of processing (GDPR article 30) from the box's settings.")

    enum Language: String, ExpressibleByArgument, CaseIterable {
        case de, en
    }

    @OptionGroup var box: BoxOptions

    @Option(help: "de or en. Default: that of the environment (LANG).")
    var language: Language?

    func run() async throws {
        let settings = try box.wholeSettings()
        let record = ProcessingRecord(
            time: .now(), host: Self.host, version: productVersion, stateDirectory: box.stateDirectory,
            keepDays: settings.ledger.days, period: settings.ledger.period.rawValue,
            megabytes: settings.ledger.megabytes, farNumbers: settings.ledger.farNumbers.rawValue,
            providers: settings.trunks.map { .init(name: $0.name, server: "\($0.server)") },
            country: settings.dialling.country?.code)
        do {
            try LineOutput.write(record.text(language == .de || language == nil && Self.isGerman ? .german : .english))
        } catch {
            // Nobody reads any more.
            return
        }
    }

    private static var isGerman: Bool {
        for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            if let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty { return value.hasPrefix("de") }
        }
        return false
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
