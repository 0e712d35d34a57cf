import Glibc
import Switchboard

extension ProcessFigures {
    /// What the kernel counts for this process.
    static func read() -> ProcessFigures {
        ProcessFigures(
            // The listing itself opens one.
            openDescriptors: max(0, entries(of: "/proc/self/fd") - 1), threads: entries(of: "/proc/self/task"),
            residentBytes: residentPages() * Int(sysconf(CInt(_SC_PAGESIZE))))
    }

    private static func entries(of directory: String) -> Int {
        guard let handle = opendir(directory) else { return 0 }
        defer { closedir(handle) }
        var count = 0
        while readdir(handle) != nil { count += 1 }
        return max(0, count - 2)
    }

    /// The second field of `/proc/self/statm` (proc(5)).
    private static func residentPages() -> Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, CInt(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
    }
}
