import CLinux
import Glibc
import Synchronization
import Wire

/// Commands from any thread to a media loop, in order: a lock around an array, and an eventfd that wakes
/// the loop out of `epoll_wait`.
final class Mailbox: Sendable {
    private struct State {
        var commands: [MediaCommand] = []
        var closed = false
    }

    private let state = Mutex(State())
    /// Readable while commands wait.
    let descriptor: Int32

    init() throws(Problem) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else {
            throw Problem(code: "media.no-descriptors", sentence: "The system has no file descriptor left.")
        }
    }

    deinit {
        close(descriptor)
    }

    /// - Returns: false once the loop has ended; the command was not taken.
    @discardableResult
    func post(_ command: consuming MediaCommand) -> Bool {
        let command = command
        let (taken, isFirst) = state.withLock { state in
            guard !state.closed else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        // Whoever waits before this one has woken the loop already, and it takes all of them.
        if isFirst {
            var one: UInt64 = 1
            _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
        }
        return taken
    }

    /// Everything that waits; called on the loop only.
    func drain() -> [MediaCommand] {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Takes no more commands.
    /// - Returns: what was still waiting.
    func shut() -> [MediaCommand] {
        state.withLock { state in
            state.closed = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
