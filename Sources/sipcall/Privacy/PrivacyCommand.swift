import ArgumentParser
import Console
import FoundationEssentials
import Glibc
import WebAPI
import Wire

/// `sipcall privacy`: what the law lets people ask the owner of a telephone exchange for.
struct PrivacyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy",
        abstract: "Give out or erase what the box keeps about a person, and describe what it keeps (GDPR).",
        subcommands: [PrivacyExportCommand.self, PrivacyEraseCommand.self, PrivacyReportCommand.self])
}

/// Whom it is about.
struct PersonOptions: ParsableArguments {
    @Argument(help: "A telephone number in any spelling, or with --user the name of a user.")
    var person: String

    @Flag(help: "The person is a user of the box, not a number.")
    var user = false

    func validate() throws {
        guard user || person.contains(where: \.isNumber) else {
            throw ValidationError("'\(person)' is no telephone number; add --user if it is the name of a user.")
        }
    }

    var body: [UInt8] {
        let body = try? JSONEncoder().encode([user ? "user" : "number": person])
        return body.map(Array.init) ?? []
    }
}

/// `sipcall privacy export`: everything about a person as one archive.
struct PrivacyExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write everything that is kept about a number or a user into one archive.")

    @OptionGroup var box: BoxOptions
    @OptionGroup var person: PersonOptions

    @Option(help: "The ZIP file to write; it must not exist yet.")
    var output: String

    func run() async throws {
        let file = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.cannotWrite(output, errno) }
        var isWhole = false
        defer {
            close(file)
            // Half an archive must not pass for a whole one.
            if !isWhole { unlink(output) }
        }
        let request = OperatorClient.Request("/api/v1/privacy/export", method: "POST", body: person.body)
        try await OperatorClient(box).stream(request) { bytes in
            var left = bytes[...]
            while !left.isEmpty {
                let count = left.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Self.cannotWrite(output, errno) }
                left = left.dropFirst(count)
            }
        }
        guard fsync(file) == 0 || errno == EINVAL else { throw Self.cannotWrite(output, errno) }
        isWhole = true
        StandardStream.output.write(line: "Written to \(output).")
    }

    static func cannotWrite(_ path: String, _ number: CInt) -> Problem {
        Problem(
            code: "privacy.cannot-write", sentence: "The file \(path) cannot be written: \(systemMessage(number)).",
            remedy: "Name another one that does not exist yet, on a disk with room.")
    }
}

/// `sipcall privacy erase`: removes everything about a person.
struct PrivacyEraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase everything that is kept about a number or a user, for good.")

    @OptionGroup var box: BoxOptions
    @OptionGroup var person: PersonOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Print the certificate as JSON.")
    var json = false

    @Option(help: "A file for the certificate as JSON; it must not exist yet.")
    var output: String?

    func run() async throws {
        if !yes { try confirm() }
        let file = try output.map { path in
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { throw PrivacyExportCommand.cannotWrite(path, errno) }
            return file
        }
        defer { if let file { close(file) } }
        let request = OperatorClient.Request("/api/v1/privacy/erase", method: "POST", body: person.body)
        // Reading every record of a large ledger takes its time.
        let client = OperatorClient(
            path: box.operatorSocket, notRunning: OperatorClient.notRunning(box), patience: .seconds(1800))
        let certificate: ErasureNotice
        do {
            certificate = try await client.json(request, as: ErasureNotice.self)
        } catch {
            if let output { unlink(output) }
            throw error
        }
        if let file, let output {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            let text: [UInt8] = (try? encoder.encode(certificate)).map { Array($0) + [0x0a] } ?? []
            guard write(file, text, text.count) == text.count, fsync(file) == 0 else {
                throw PrivacyExportCommand.cannotWrite(output, errno)
            }
        }
        if json {
            try LineOutput.write(pretty: certificate)
        } else {
            for line in Self.lines(certificate) { StandardStream.output.write(line: line) }
        }
    }

    private func confirm() throws {
        guard isatty(0) == 1 else {
            throw Problem(
                code: "privacy.not-confirmed", sentence: "Nothing was erased: nobody confirmed it.",
                remedy: "Confirm it on a terminal, or add --yes.")
        }
        StandardStream.error.write(
            line:
                "Every record of this \(person.user ? "user" : "number") is erased, also from what backups bring back.")
        StandardStream.error.write(line: "Type \(person.person) once more to go on:")
        guard readLine(strippingNewline: true) == person.person else {
            throw Problem(
                code: "privacy.not-confirmed", sentence: "Nothing was erased: nobody confirmed it.",
                remedy: "Confirm it on a terminal, or add --yes.")
        }
    }

    static func lines(_ certificate: ErasureNotice) -> [String] {
        let removed = certificate.removed.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
        var lines = [
            "Certificate of erasure", "  Erased      \(certificate.time)", "  Asked by    \(certificate.askedBy)",
            "  About       \(certificate.subject)",
            "  Records     \(removed.isEmpty ? "none were there" : removed.joined(separator: ", "))",
            "  Periods     \(certificate.periods.isEmpty ? "none" : certificate.periods.joined(separator: ", "))",
            "  Files       \(certificate.files) written anew",
        ]
        if certificate.unreadable > 0 {
            lines.append("  Not read    \(counted(certificate.unreadable, "record")); nobody can tell whose they are")
        }
        if !certificate.unsearched.isEmpty {
            lines.append(
                "  Not searched \(certificate.unsearched.joined(separator: ", ")); made good before they can be read again"
            )
        }
        if !certificate.spoolEmptied {
            lines.append("  Waiting     what the core still holds is dropped when it is handed over")
        }
        for entry in certificate.listEntries { lines.append("  List entry  \(entry)") }
        return lines
    }
}
