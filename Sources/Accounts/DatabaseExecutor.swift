import Dispatch

/// Runs an actor on a queue of its own: SQLite waits for the disk, and the shared pool of threads must not wait with it.
final class DatabaseExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// - Parameter label: as debuggers show it.
    init(_ label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
