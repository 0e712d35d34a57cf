import CShims
import Console
import Glibc
import Wire

/// The machine: clock, memory, disk.
extension Examiner {
    var machineChecks: [Check] {
        let directory = box.stateDirectory
        return [
            Check("clock", "Clock") { Self.clock() },
            Check("memory", "Memory") { Self.memory() },
            Check("disk", "Disk") { Self.disk(directory) },
        ]
    }

    private static func clock() -> Finding {
        let year = Int(WallTime.now().description.prefix(4)) ?? 0
        var error = 0
        let answer = sipcall_clock_is_synchronised(&error)
        return .clock(isSynchronised: answer < 0 ? nil : answer == 1, year: year, errorMilliseconds: error / 1000)
    }

    private static func memory() -> Finding {
        let text = FileContents.text("/proc/meminfo", atMost: 16_384) ?? ""
        func figure(_ name: String) -> Int? {
            text.split(separator: "\n").first { $0.hasPrefix(name + ":") }?.split(separator: " ").dropFirst().first
                .flatMap { Int($0) }.map { $0 &* 1024 }
        }
        guard let available = figure("MemAvailable"), let total = figure("MemTotal") else {
            return Finding(.unchecked, "The kernel does not tell how much memory is free.")
        }
        return .memory(availableBytes: available, totalBytes: total)
    }

    private static func disk(_ directory: String) -> Finding {
        var figures = statvfs()
        guard statvfs(directory, &figures) == 0 else {
            let reason = systemMessage(errno)
            return Finding(.unchecked, "The directory \(directory) cannot be looked at: \(reason).")
        }
        let isReadOnly = figures.f_flag & 1 != 0 || refusesWriting(directory)
        return .disk(
            freeBytes: Int(clamping: figures.f_bavail.multipliedReportingOverflow(by: figures.f_frsize).partialValue),
            freeEntries: figures.f_files == 0 ? nil : Int(clamping: figures.f_favail), isReadOnly: isReadOnly,
            directory: directory)
    }

    /// Tries with a file that has no name and leaves nothing behind; a directory of somebody else says nothing.
    private static func refusesWriting(_ directory: String) -> Bool {
        // O_TMPFILE (open(2)), which only _GNU_SOURCE declares.
        let file = open(directory, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o600)
        if file >= 0 {
            close(file)
            return false
        }
        return errno == EROFS || errno == EIO
    }
}
