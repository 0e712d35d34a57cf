import CLinux
import Glibc

/// A thread of the operating system for work that may block, or that must go on while everything else does not.
package enum OwnThread {
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a thread that nobody waits for.
    ///
    /// `nonisolated`, because a closure given to `pthread_create` inherits its surroundings' isolation and would trap on
    /// the new thread.
    /// - Parameter name: at most 15 bytes; what `top -H` and a crash report show.
    /// - Returns: false when the system has no thread left.
    package nonisolated static func start(named name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
        let handed = Unmanaged.passRetained(Body(run))
        // Signals belong to the program's main thread; the new thread inherits this mask. Not those of faults: one in a thread
        // that blocks its signal ends the process without a report. And not SIGPROF, by which the backtracer stops a thread to
        // read where it is.
        var others = sigset_t()
        var previous = sigset_t()
        sigfillset(&others)
        for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF] { sigdelset(&others, number) }
        pthread_sigmask(SIG_SETMASK, &others, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        guard pthread_create(&thread, nil, enter, handed.toOpaque()) == 0 else {
            handed.release()
            return false
        }
        pthread_setname_np(thread, name)
        pthread_detach(thread)
        return true
    }

    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
}
