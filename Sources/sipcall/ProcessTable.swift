import Console

/// The processes of the box, as /proc shows them (proc(5)). What another user's process hides from us is left out.
enum ProcessTable {
    private static let parts = ["core", "web", "guard"]

    /// - Parameter state: of `--state`; nil for the installed box, whose units pass none.
    static func reports(state: String?) -> [ProcessReport] {
        var reports: [ProcessReport] = []
        for name in FileContents.names(in: "/proc") ?? [] {
            guard let process = Int(name), let part = part(of: process, state: state) else { continue }
            reports.append(report(part, process))
        }
        return reports.sorted { ($0.part, $0.process) < ($1.part, $1.process) }
    }

    /// `sipcall core [--state DIR] …`
    private static func part(of process: Int, state: String?) -> String? {
        guard let bytes = FileContents.bytes("/proc/\(process)/cmdline", atMost: 4096) else { return nil }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        // `sipcall run` starts its processes as /proc/self/exe.
        guard words.count > 1, parts.contains(words[1]), words[0].hasSuffix("sipcall") || words[0].hasSuffix("/exe")
        else { return nil }
        let theirs = words.firstIndex(of: "--state").flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
        return theirs == state ? words[1] : nil
    }

    private static func report(_ part: String, _ process: Int) -> ProcessReport {
        var report = ProcessReport(part: part, process: process)
        let text = FileContents.text("/proc/\(process)/status", atMost: 16_384) ?? ""
        for line in text.split(separator: "\n") {
            let fields = line.split { $0 == " " || $0 == "\t" }
            guard fields.count > 1 else { continue }
            if fields[0] == "VmRSS:" { report.residentBytes = Int(fields[1]).map { $0 * 1024 } }
            if fields[0] == "Threads:" { report.threads = Int(fields[1]) }
        }
        report.openDescriptors = descriptors(of: process)
        report.isOutdated = FileContents.link("/proc/\(process)/exe")?.hasSuffix(" (deleted)") ?? false
        return report
    }

    private static func descriptors(of process: Int) -> Int? {
        FileContents.names(in: "/proc/\(process)/fd")?.count
    }
}

extension ProcessTable {
    /// The programs that have one of these sockets, as far as this user may see.
    static func owners(of sockets: Set<UInt64>) -> Set<String> {
        let links = Set(sockets.map { "socket:[\($0)]" })
        guard !links.isEmpty else { return [] }
        var owners: Set<String> = []
        for process in FileContents.names(in: "/proc") ?? [] where process.allSatisfy(\.isNumber) {
            let descriptors = FileContents.names(in: "/proc/\(process)/fd") ?? []
            let holds = descriptors.contains {
                FileContents.link("/proc/\(process)/fd/\($0)").map(links.contains) ?? false
            }
            if holds { owners.insert(program(of: process)) }
        }
        return owners
    }

    /// By its file: a process that was started as /proc/self/exe goes by the name of `exe`.
    private static func program(of process: String) -> String {
        let file = FileContents.link("/proc/\(process)/exe")?.split(separator: "/").last
        if let name = file?.split(separator: " ").first { return String(name) }
        return FileContents.text("/proc/\(process)/comm", atMost: 64).map { String($0.prefix { $0 != "\n" }) }
            ?? process
    }
}
