import Appliance
import Console
import Control
import FoundationEssentials
import Glibc
import Wire

/// A file to send to whoever helps: what the doctor found and what the journal says, without numbers and secrets.
struct Bundle {
    let examiner: Examiner
    let report: DoctorReport

    /// Lines of the journal that go in.
    private static let journalLines = 1000

    /// - Throws: `doctor.bundle-failed`.
    func write(to file: String, isQuiet: Bool) async throws(Problem) {
        var template = Array("/tmp/sipcall-bundle.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failed(file, systemMessage(errno)) }
        let folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let contents = await contents()
        defer {
            for (name, _) in contents { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        for (name, text) in contents {
            guard Self.store(Redactor.redact(text), at: "\(folder)/\(name)") else {
                throw Self.failed(file, systemMessage(errno))
            }
        }
        // The archive is for this user's eyes until he sends it.
        umask(0o077)
        let path = file.hasPrefix("-") ? "./\(file)" : file
        guard await ToolOutput.of("tar", ["-czf", path, "-C", folder] + contents.map(\.name)) != nil else {
            throw Self.failed(file, "tar could not write it")
        }
        guard !isQuiet else { return }
        let lines =
            ["", "\(file) holds, with numbers, names, passwords and keys masked:"]
            + contents.map { "  \($0.name)" }
            + ["Look into it before you send it: tar -xzOf \(file) | less"]
        for line in lines { try? LineOutput.write(line) }
    }

    /// The files and what stands in them, before it is masked.
    private func contents() async -> [(name: String, text: String)] {
        var files: [(name: String, text: String)] = [("doctor.json", Self.json(report))]
        if let status = try? await examiner.status() {
            let screen = StatusScreen(status, processes: ProcessTable.reports(state: examiner.box.state))
            files.append(("status.json", Self.json(StatusReport(status: status, screen: screen))))
        }
        let release = FileContents.text("/etc/os-release", atMost: 16_384) ?? ""
        let kernel = FileContents.text("/proc/version", atMost: 4096) ?? ""
        files.append(("versions.txt", "SIPCall \(productVersion)\n\(kernel)\(release)"))
        if examiner.box.state == nil {
            if let units = await Examiner.unitStates() { files.append(("units.txt", units)) }
            let units = Examiner.unitNames.flatMap { ["-u", $0] }
            if let journal = await ToolOutput.of(
                "journalctl", ["--no-pager", "-o", "short-iso", "-n", "\(Self.journalLines)"] + units)
            {
                files.append(("journal.txt", journal))
            }
        }
        if let settings = FileContents.text(examiner.box.configurationFile, atMost: 262_144) {
            files.append(("sipcall.toml", settings))
        }
        for directory in examiner.processDirectories {
            for (_, report) in CrashReports.read(directory).prefix(5) {
                files.append(("crash-\(report.part)-\(files.count).txt", report.text))
            }
        }
        return files
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func store(_ text: String, at path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private static func failed(_ file: String, _ reason: String) -> Problem {
        Problem(
            code: "doctor.bundle-failed", sentence: "The bundle \(file) could not be written: \(reason).",
            remedy: "Name a file in a directory that this user may write to.")
    }
}
