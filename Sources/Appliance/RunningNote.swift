import Foundation
import Glibc
import Synchronization
package import Wire

/// What a process says about itself while it runs, in a file of its runtime directory, for the report of its end: a process
/// that crashes can say nothing any more.
///
/// Replaced only when something changed. Without a runtime directory (outside of systemd) it does nothing.
package final class RunningNote: Sendable {
    struct Content: Codable, Equatable {
        var version: String
        /// CLOCK_BOOTTIME in seconds.
        var started: Int
        var activity: String?
        var hungParts: [String]?
    }

    static let longest = 4096

    private let path: String?
    private let content: Mutex<Content>

    /// Take the former process's report before (``CrashReports/collect(part:)``): this replaces its note.
    package init(
        version: String, directory: String? = RuntimeDirectory.path, now: MonotonicTime = .now()
    ) {
        path = directory.map { "\($0)/running.json" }
        content = Mutex(Content(version: version, started: Int(now.nanoseconds / 1_000_000_000)))
        change { _ in true }
    }

    /// - Parameter activity: `registered, 2 calls`; no name and no number of a person.
    package func isDoing(_ activity: String) {
        change { content in
            defer { content.activity = activity }
            return content.activity != activity
        }
    }

    /// A part does not answer its probe.
    package func hangs(_ part: String) {
        change { content in
            guard content.hungParts?.contains(part) != true else { return false }
            content.hungParts = (content.hungParts ?? []) + [part]
            return true
        }
    }

    /// A part that hung answers again.
    package func answers(_ part: String) {
        change { content in
            guard let index = content.hungParts?.firstIndex(of: part) else { return false }
            content.hungParts?.remove(at: index)
            return true
        }
    }

    /// Whether any part does not answer.
    package var isHanging: Bool { content.withLock { $0.hungParts?.isEmpty == false } }

    private func change(_ body: (inout Content) -> Bool) {
        content.withLock { content in
            guard body(&content), let path, let data = try? JSONEncoder().encode(content) else { return }
            _ = SmallFile.replace(path, with: Array(data), durable: false)
        }
    }
}

/// The directory that the unit gives to this process for as long as it is not stopped by hand (`RuntimeDirectory=`).
package enum RuntimeDirectory {
    package static var path: String? { getenv("RUNTIME_DIRECTORY").map { String(cString: $0) } }
}
