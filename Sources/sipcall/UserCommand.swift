// Where stat is found once Foundation is loaded: CDispatch.
import ArgumentParser
import CDispatch
import Glibc
import WebAPI
import Wire

/// `sipcall user`: who may sign in to the page.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Manage who may sign in to the page.",
        subcommands: [UserPasswordCommand.self])
}

/// `sipcall user password`: sets the owner's password anew.
struct UserPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Set the page's password anew; everybody has to sign in again.",
        discussion: """
            Asks twice on a terminal; otherwise the password is the first line of standard input. The running box takes it \
            at once.
            """)

    @OptionGroup var box: BoxOptions

    func run() async throws {
        try OwnerOfState.become(box.stateDirectory)
        let password = try read()
        try AdminPassword.set(password, in: box.stateDirectory)
        StandardStream.output.write(line: "The password is set. Every session has ended: sign in with the new one.")
    }

    private func read() throws -> Redacted<String> {
        guard isatty(0) == 1 else {
            guard let line = readLine(strippingNewline: true) else { throw Self.notEntered }
            return Redacted(line)
        }
        let first = try Terminal.secret(prompt: "New password: ")
        let second = try Terminal.secret(prompt: "Once more: ")
        guard first.revealed == second.revealed else {
            throw Problem(
                code: "user.passwords-differ", sentence: "The two passwords are not the same.",
                remedy: "Nothing was changed; try again.")
        }
        return first
    }

    static let notEntered = Problem(
        code: "user.no-password", sentence: "No password was entered.", remedy: "Nothing was changed; try again.")
}

/// A question on the terminal whose answer nobody sees.
enum Terminal {
    /// - Throws: `user.no-password` at the end of input.
    static func secret(prompt: String) throws -> Redacted<String> {
        var former = termios()
        guard tcgetattr(0, &former) == 0 else { throw UserPasswordCommand.notEntered }
        var silent = former
        silent.c_lflag &= ~tcflag_t(ECHO)
        // Ctrl-C would leave the terminal silent: it ends the question like an empty answer instead.
        silent.c_lflag &= ~tcflag_t(ISIG)
        tcsetattr(0, TCSAFLUSH, &silent)
        defer {
            tcsetattr(0, TCSAFLUSH, &former)
            StandardStream.error.write(line: "")
        }
        _ = prompt.withCString { write(2, $0, strlen($0)) }
        guard let line = readLine(strippingNewline: true), !line.isEmpty, !line.unicodeScalars.contains("\u{3}") else {
            throw UserPasswordCommand.notEntered
        }
        return Redacted(line)
    }
}

/// Root gives up its power before it touches a directory that the web process's user could have prepared, and what it
/// writes there belongs to that user.
enum OwnerOfState {
    /// - Throws: `state.not-permitted`, `state.missing`.
    static func become(_ stateDirectory: String) throws(Problem) {
        let directory = stateDirectory + "/web"
        var status = stat()
        guard stat(directory, &status) == 0 else {
            guard errno == ENOENT else { throw notPermitted(directory) }
            throw Problem(
                code: "state.missing", sentence: "There is no box at \(stateDirectory).",
                remedy: "Name the directory of a box that has run with --state.")
        }
        if geteuid() == 0, status.st_uid != 0 {
            guard setgroups(0, nil) == 0, setgid(status.st_gid) == 0,
                setuid(status.st_uid) == 0
            else { throw notPermitted(directory) }
        }
        guard access(directory, R_OK | W_OK | X_OK) == 0 else { throw notPermitted(directory) }
    }

    private static func notPermitted(_ directory: String) -> Problem {
        Problem(
            code: "state.not-permitted", sentence: "This user may not use \(directory).",
            remedy: "Run the command with sudo, or as the user that runs the box.")
    }
}
