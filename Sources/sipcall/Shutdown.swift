import Dispatch
import Glibc
import UnixSignals

/// What asks a process of the box to end.
enum Shutdown {
    /// Returns on SIGINT or SIGTERM, or when the process that started this one is gone.
    static func requested(with parent: Lifeline?) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
            }
            if let parent {
                group.addTask { await parent.broken() }
            }
            await group.next()
            group.cancelAll()
        }
    }
}

/// A pipe between `sipcall run` and its processes: when its writing end closes, however the parent died, they end.
struct Lifeline {
    /// Says that standard input is such a pipe.
    static let environmentKey = "SIPCALL_LIFELINE"

    /// - Returns: nil unless this process was started by `sipcall run`.
    static func inherited() -> Lifeline? {
        getenv(environmentKey) == nil ? nil : Lifeline()
    }

    /// Waits until the pipe ends; nothing is ever written to it.
    func broken() async {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let source = DispatchSource.makeReadSource(fileDescriptor: 0, queue: .global())
        source.setEventHandler { continuation.finish() }
        source.activate()
        for await _ in ended {}
        source.cancel()
    }
}
