package import NIOCore

/// Lets tasks run on an event loop wherever no actor claims them, so that what begins and ends on the loop's own thread
/// wakes no other on its way.
///
/// What runs so must not block, as nothing on a loop may.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
