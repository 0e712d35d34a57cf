import Foundation
import Wire

/// Programs that run side by side, each reading what the one before writes, without a shell.
///
/// They inherit no descriptor but these three, no ignored signal, and an environment that is given in full. Small input, output
/// and complaints go through pipes, bounded: nothing of it touches a disk or grows with what a program has to say.
struct ChildPipeline {
    struct Child {
        var program: String
        var arguments: [String]
    }

    enum Output {
        case nothing
        case file(CInt)
        /// At most 64 kB; more is a failure.
        case memory
    }

    var children: [Child]
    /// What the first one reads: at most 32 kB.
    var input: [UInt8] = []
    var output = Output.nothing
    var environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
    var patience = Duration.seconds(3600)

    /// One that did not exit with 0, and what it said last.
    struct Failure {
        var program: String
        var said: String
    }

    struct Ending {
        /// In the order of the pipeline; a program that only lost its reader is not among them if another failed as well.
        var failures: [Failure] = []
        var output: [UInt8] = []
    }

    /// - Parameter goOn: asked ten times a second; false stops all of them.
    /// - Throws: `backup.tool-missing`, `backup.too-long`, `backup.cannot-write` without memory or descriptors.
    func run(goOn: () throws(Problem) -> Void = {}) throws(Problem) -> Ending {
        var owned: [CInt] = []
        defer { for descriptor in owned { close(descriptor) } }
        func keep(_ descriptor: CInt) throws(Problem) -> CInt {
            guard descriptor >= 0 else { throw BackupProblem.cannotWrite("memory", Self.message(errno)) }
            owned.append(descriptor)
            return descriptor
        }
        var standardInput = try keep(Self.filledPipe(input))
        var result: Collector? = nil
        var running: [(child: Child, process: pid_t, complaints: Collector)] = []
        var (statuses, thrown) = ([pid_t: CInt](), Problem?.none)
        for (index, child) in children.enumerated() {
            var ends: [CInt] = [-1, -1]
            let isLast = index == children.count - 1
            do throws(Problem) {
                let standardOutput: CInt
                switch (isLast, output) {
                case (false, _):
                    guard Self.pipe(&ends) else {
                        throw BackupProblem.cannotWrite("a pipe", Self.message(errno))
                    }
                    standardOutput = ends[1]
                case (true, .file(let file)): standardOutput = file
                case (true, .memory):
                    let collector = try Collector()
                    result = collector
                    standardOutput = collector.writer
                case (true, .nothing): standardOutput = try keep(open("/dev/null", O_WRONLY | O_CLOEXEC))
                }
                let complaints = try Collector()
                let process = try spawn(child, [standardInput, standardOutput, complaints.writer])
                complaints.closeWriter()
                if isLast { result?.closeWriter() }
                running.append((child, process, complaints))
            } catch {
                thrown = error
            }
            // Whoever keeps an end of a pipe keeps its reader from seeing the end.
            if ends[1] >= 0 { close(ends[1]) }
            if index > 0 {
                close(standardInput)
                owned.removeAll { $0 == standardInput }
            }
            if ends[0] >= 0 {
                standardInput = ends[0]
                owned.append(ends[0])
            }
            if thrown != nil { break }
        }
        let deadline = ContinuousClock.now + patience
        while statuses.count < running.count {
            for (_, process, _) in running where statuses[process] == nil {
                var status: CInt = 0
                let ended = waitpid(process, &status, WNOHANG)
                if ended == process || ended < 0 && errno == ECHILD { statuses[process] = status }
            }
            var isBusy = false
            for collector in running.map(\.complaints) + [result].compactMap({ $0 }) where collector.drain() {
                isBusy = true
            }
            if thrown == nil, let result, result.isOverfull {
                thrown = BackupProblem.toolFailed(children.last?.program ?? "", "it said more than it can have to say")
            }
            if thrown == nil {
                do throws(Problem) { try goOn() } catch { thrown = error }
                if ContinuousClock.now > deadline { thrown = BackupProblem.tooLong(children.last?.program ?? "") }
            }
            if thrown != nil {
                for (_, process, _) in running where statuses[process] == nil { kill(process, SIGKILL) }
            }
            if statuses.count < running.count, !isBusy { usleep(thrown == nil ? 20_000 : 2_000) }
        }
        if let thrown { throw thrown }
        // What a program has left behind may hold the pipe open: what is there is taken, nobody waits for more.
        for collector in running.map(\.complaints) + [result].compactMap({ $0 }) { collector.drainAll() }
        if let result, result.isOverfull {
            throw BackupProblem.toolFailed(children.last?.program ?? "", "it said more than it can have to say")
        }
        var ending = Ending(failures: [], output: result?.bytes ?? [])
        var orphans: [Failure] = []
        for (child, process, complaints) in running {
            guard let status = statuses[process], status != 0 else { continue }
            let said = String(decoding: complaints.bytes, as: UTF8.self)
            let last = said.split(whereSeparator: \.isNewline).map(String.init).first { !$0.isEmpty }
            let failure = Failure(program: child.program, said: last ?? Self.description(of: status))
            if status & 0x7f == SIGPIPE { orphans.append(failure) } else { ending.failures.append(failure) }
        }
        if ending.failures.isEmpty { ending.failures = orphans }
        return ending
    }

    private func spawn(_ child: Child, _ descriptors: [CInt]) throws(Problem) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (target, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(target))
        }
        // This program ignores SIGPIPE, and the others while it may not be cut short; a tar without a reader has to end.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var arguments = ([child.program] + child.arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, child.program, &actions, &attributes, &arguments, &variables) == 0 else {
            throw BackupProblem.toolMissing(child.program)
        }
        return process
    }

    /// - Returns: the end to read from; -1 with `errno` set when it does not take all at once.
    private static func filledPipe(_ bytes: [UInt8]) -> CInt {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) else { return -1 }
        defer { close(ends[1]) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        guard bytes.isEmpty || write(ends[1], bytes, bytes.count) == bytes.count else {
            errno = EFBIG
            close(ends[0])
            return -1
        }
        return ends[0]
    }

    fileprivate static func pipe(_ ends: inout [CInt]) -> Bool {
        guard Foundation.pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func description(of status: CInt) -> String {
        status & 0x7f == 0 ? "it exited with \(status >> 8 & 0xff)" : "signal \(status & 0x7f) ended it"
    }

    static func message(_ number: CInt) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}

/// The reading end of a pipe, and the beginning of what came through it; the rest is read and forgotten, so that no program waits
/// for its reader.
private final class Collector {
    private static let most = 64 * 1024

    private(set) var writer: CInt
    private let reader: CInt
    private(set) var bytes: [UInt8] = []
    private(set) var isOverfull = false

    init() throws(Problem) {
        var ends: [CInt] = [-1, -1]
        guard ChildPipeline.pipe(&ends) else {
            throw BackupProblem.cannotWrite("a pipe", ChildPipeline.message(errno))
        }
        (reader, writer) = (ends[0], ends[1])
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(reader)
        closeWriter()
    }

    func closeWriter() {
        if writer >= 0 { close(writer) }
        writer = -1
    }

    /// - Returns: whether there was anything; more may wait.
    func drain() -> Bool {
        var part = [UInt8](repeating: 0, count: Self.most)
        let count = read(reader, &part, part.count)
        guard count > 0 else { return false }
        let room = Self.most - bytes.count
        bytes += part.prefix(min(count, room))
        if count > room { isOverfull = true }
        return true
    }

    /// What is in the pipe: 1 MB at most, should somebody go on filling it.
    func drainAll() {
        for _ in 0..<16 { guard drain() else { return } }
    }
}
