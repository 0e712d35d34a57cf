import CLinux
import Glibc
import Wire

/// A thread of the operating system that runs one media loop.
///
/// Not a task: a loop blocks in `epoll_wait`, which must never happen on Swift's cooperative pool.
struct LoopThread: @unchecked Sendable {
    private let thread: pthread_t

    /// Starts the thread and hands it `loop`, which nobody else may touch from then on.
    ///
    /// `nonisolated`, because a closure given to `pthread_create` inherits its surroundings' isolation
    /// and would trap on the new thread.
    nonisolated static func start(_ loop: sending MediaLoop) throws(Problem) -> LoopThread {
        let handed = Unmanaged.passRetained(loop)
        var thread = pthread_t()
        // Signals belong to the program's main thread; the new thread inherits this mask. Not those of faults: one in a thread
        // that blocks its signal ends the process without a report. And not SIGPROF, by which the backtracer stops a thread to
        // read where it is.
        var others = sigset_t()
        var previous = sigset_t()
        sigfillset(&others)
        for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF] { sigdelset(&others, number) }
        pthread_sigmask(SIG_SETMASK, &others, &previous)
        let result = pthread_create(&thread, nil, runLoop, handed.toOpaque())
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard result == 0 else {
            handed.release()
            throw Problem(code: "media.no-thread", sentence: "The media thread could not be started (error \(result)).")
        }
        pthread_setname_np(thread, "media")
        return LoopThread(thread: thread)
    }

    func join() {
        pthread_join(thread, nil)
    }
}

/// The thread's whole life.
private func runLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<MediaLoop>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
