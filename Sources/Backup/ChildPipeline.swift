import Foundation
import Wire

/// Programs that run side by side, each reading what the one before writes, without a shell.
///
/// They inherit no descriptor but these three, no ignored signal, and an environment that is given in full. Their complaints
/// are kept, bounded; small input and output stay in memory and never touch a disk.
struct ChildPipeline {
    struct Child {
        var program: String
        var arguments: [String]
    }

    enum Output {
        case nothing
        case file(CInt)
        /// At most 64 kB.
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
        func memory() throws(Problem) -> CInt { try keep(Self.memory()) }

        var standardInput = try memory()
        guard write(standardInput, input, input.count) == input.count, lseek(standardInput, 0, SEEK_SET) == 0 else {
            throw BackupProblem.cannotWrite("memory", Self.message(errno))
        }
        let result: CInt? = if case .memory = output { try memory() } else { nil }
        var running: [(child: Child, process: pid_t, complaints: CInt)] = []
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
                case (true, .memory): standardOutput = result ?? -1
                case (true, .nothing): standardOutput = try keep(open("/dev/null", O_WRONLY | O_CLOEXEC))
                }
                let complaints = try memory()
                let process = try spawn(child, [standardInput, standardOutput, complaints])
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
            if thrown == nil {
                do throws(Problem) { try goOn() } catch { thrown = error }
                if ContinuousClock.now > deadline { thrown = BackupProblem.tooLong(children.last?.program ?? "") }
            }
            if thrown != nil {
                for (_, process, _) in running where statuses[process] == nil { kill(process, SIGKILL) }
            }
            if statuses.count < running.count { usleep(thrown == nil ? 20_000 : 2_000) }
        }
        if let thrown { throw thrown }
        var ending = Ending(failures: [], output: result.map { Self.contents($0) } ?? [])
        var orphans: [Failure] = []
        for (child, process, complaints) in running {
            guard let status = statuses[process], status != 0 else { continue }
            let said = String(decoding: Self.contents(complaints), as: UTF8.self)
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
        // This program ignores SIGPIPE; a tar without a reader has to end.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
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

    /// A file without a name, in memory.
    private static func memory() -> CInt {
        var name = Array("/dev/shm/sipcall-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { return -1 }
        unlink(&name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func pipe(_ ends: inout [CInt]) -> Bool {
        guard Foundation.pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func contents(_ descriptor: CInt) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }

    private static func description(of status: CInt) -> String {
        status & 0x7f == 0 ? "it exited with \(status >> 8 & 0xff)" : "signal \(status & 0x7f) ended it"
    }

    static func message(_ number: CInt) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
