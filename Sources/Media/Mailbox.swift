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
        var isWakingLater = false
    }

    /// Runs what it is given soon, from a place where more may have been posted by then.
    typealias Later = @Sendable (@escaping @Sendable () -> Void) -> Void

    private let state = Mutex(State())
    /// Readable while commands wait.
    let descriptor: Int32
    private let later = Mutex<Later?>(nil)

    init() throws(Problem) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else {
            throw Problem(code: "media.no-descriptors", sentence: "The system has no file descriptor left.")
        }
    }

    deinit {
        close(descriptor)
    }

    /// From now on the loop is woken once for all that is posted before `later` runs what it was given: each waking costs
    /// more than most commands do.
    func wakes(by later: @escaping Later) { self.later.withLock { $0 = later } }

    /// - Parameter isUrgent: it waits for nobody; whoever posts it may be the one who finds out that others hang.
    /// - Returns: false once the loop has ended; the command was not taken.
    @discardableResult
    func post(_ command: consuming MediaCommand, isUrgent: Bool = false) -> Bool {
        let command = command
        let later = isUrgent ? nil : later.withLock { $0 }
        let (taken, wakes) = state.withLock { state in
            guard !state.closed else { return (false, false) }
            state.commands.append(command)
            // Whoever waits before this one has woken the loop already, and it takes all of them.
            let isFirst = state.commands.count == 1
            guard later != nil else { return (true, isFirst || state.isWakingLater) }
            defer { if isFirst { state.isWakingLater = true } }
            return (true, isFirst && !state.isWakingLater)
        }
        if wakes { if let later { later { self.wakeIfNeeded() } } else { wake() } }
        return taken
    }

    private func wakeIfNeeded() {
        let isNeeded = state.withLock { state in
            state.isWakingLater = false
            return !state.commands.isEmpty
        }
        if isNeeded { wake() }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
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
