import Foundation
package import Wire

/// What came of the last backup, for `sipcall status` and `sipcall doctor`, whose reader need not be root: `backup.json`.
package struct BackupVerdict: Codable, Sendable, Equatable {
    /// When it ended.
    package var time: WallTime
    /// What was wrong with it; nil: nothing.
    package var problem: Problem?
    /// When a backup was last proven to open, this time or before.
    package var proven: WallTime?

    package init(time: WallTime, problem: Problem?, proven: WallTime?) {
        (self.time, self.problem, self.proven) = (time, problem, proven)
    }

    private static func path(in state: String) -> String { "\(state)/backup.json" }

    /// - Returns: nil when none was ever made, or the file makes no sense.
    package static func last(in state: String) -> BackupVerdict? {
        var status = stat()
        let path = path(in: state)
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= 65_536,
            let data = try? Data(contentsOf: URL(filePath: path))
        else { return nil }
        return try? JSONDecoder().decode(BackupVerdict.self, from: data)
    }

    /// Best effort: that a backup was made is not undone by a note that cannot be written.
    ///
    /// - Parameter isProven: there is a new backup that opens, whatever else went wrong.
    package static func note(_ problem: Problem?, isProven: Bool, in state: String) {
        let now = WallTime.now()
        let verdict = BackupVerdict(
            time: now, problem: problem, proven: isProven ? now : last(in: state)?.proven)
        guard let data = try? JSONEncoder().encode(verdict) else { return }
        try? FileTree.write(Array(data), to: path(in: state), mode: 0o644)
    }
}
