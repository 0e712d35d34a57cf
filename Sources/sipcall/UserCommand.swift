// Where stat is found once Foundation is loaded: CDispatch.
import ArgumentParser
import CDispatch
import FoundationEssentials
import Glibc
import WebAPI
import Wire

/// `sipcall user`: who may sign in to the page. The web process does it; it alone opens the file of accounts.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Manage who may sign in to the page.",
        subcommands: [
            UserListCommand.self, UserAddCommand.self, UserInviteCommand.self, UserPasswordCommand.self,
            UserChangeCommand.self, UserRemoveCommand.self,
        ])
}

/// An account as the web process tells of it.
private struct ListedUser: Codable {
    var user: String
    var name: String
    var role: String
    var state: String
    var secondFactor: Bool
    var lastSeen: String?
    var invitation: String?

    var line: String {
        let columns = [user, role, state, secondFactor ? "2 factors" : "password", lastSeen ?? "never seen", name]
        let widths = [20, 8, 10, 10, 21, 0]
        return zip(columns, widths).map { $0 + String(repeating: " ", count: max(1, $1 - $0.count)) }.joined()
            .trimmingSuffix { $0 == " " }
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> String {
        String(self.reversed().drop(while: isTrimmed).reversed())
    }
}

enum UserRole: String, ExpressibleByArgument, CaseIterable, Encodable {
    case owner, admin, user, auditor
}

struct UserListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the accounts.")

    @OptionGroup var box: BoxOptions
    @Flag(help: "JSON, for programs.") var json = false

    func run() async throws {
        let request = OperatorClient.Request("/api/v1/users")
        if json {
            StandardStream.output.write(
                line: String(decoding: try await OperatorClient(box).send(request), as: UTF8.self))
            return
        }
        for user in try await OperatorClient(box).json(request, as: [ListedUser].self) {
            StandardStream.output.write(line: user.line)
        }
    }
}

struct UserAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make an account, and a link by which its owner chooses the password.")

    @OptionGroup var box: BoxOptions
    @Argument(help: "What they sign in with: a to z, digits, dots, hyphens.") var user: String
    @Option(help: "The name that others see.") var name: String?
    @Option(help: "What they may do: owner, admin, user, auditor.") var role = UserRole.user

    private struct Body: Encodable {
        var user: String
        var name: String?
        var role: UserRole
    }

    func run() async throws {
        let body = try JSONEncoder().encode(Body(user: user, name: name, role: role))
        let made = try await OperatorClient(box).json(
            OperatorClient.Request("/api/v1/users", method: "POST", body: Array(body)), as: ListedUser.self)
        try Invitation.show(made.invitation, for: made.user, box)
    }
}

struct UserInviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Make a new link for somebody who has forgotten the password.")

    @OptionGroup var box: BoxOptions
    @Argument(help: "Whose.") var user: String

    func run() async throws {
        let made = try await OperatorClient(box).json(
            OperatorClient.Request(userPath(user, "invitation"), method: "POST"), as: ListedUser.self)
        try Invitation.show(made.invitation, for: made.user, box)
    }
}

struct UserChangeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Change an account: its role, its name, or whether it may sign in.")

    @OptionGroup var box: BoxOptions
    @Argument(help: "Whose.") var user: String
    @Option(help: "The name that others see.") var name: String?
    @Option(help: "What they may do: owner, admin, user, auditor.") var role: UserRole?
    @Flag(inversion: .prefixedNo, help: "Whether the account is kept but cannot sign in.") var suspended: Bool?
    @Flag(help: "Ask for no one-time passwords any more: the telephone and the recovery codes are lost.")
    var noSecondFactor = false

    private struct Body: Encodable {
        var name: String?
        var role: UserRole?
        var suspended: Bool?
    }

    func run() async throws {
        let body = try JSONEncoder().encode(Body(name: name, role: role, suspended: suspended))
        if noSecondFactor {
            _ = try await OperatorClient(box).send(
                OperatorClient.Request(userPath(user, "second-factor"), method: "DELETE"))
        }
        let changed = try await OperatorClient(box).json(
            OperatorClient.Request(userPath(user), method: "PATCH", body: Array(body)), as: ListedUser.self)
        StandardStream.output.write(line: changed.line)
    }
}

struct UserRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove an account with its sessions; its calls stay in the history.")

    @OptionGroup var box: BoxOptions
    @Argument(help: "Whose.") var user: String
    @Flag(help: "Do not ask.") var yes = false

    func run() async throws {
        if !yes {
            let answer = try Terminal.line(prompt: "Remove the account \(user)? Type its name once more: ")
            guard answer == user else {
                throw Problem(
                    code: "user.not-confirmed", sentence: "The account was not removed.",
                    remedy: "Type its name when you are asked, or give --yes.")
            }
        }
        _ = try await OperatorClient(box).send(OperatorClient.Request(userPath(user), method: "DELETE"))
        StandardStream.output.write(line: "The account \(user) is removed.")
    }
}

/// `sipcall user password`: sets somebody's password anew.
struct UserPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Set a password anew; whose it is has to sign in again everywhere.",
        discussion: """
            Asks twice on a terminal; otherwise the password is the first line of standard input. The running box takes it \
            at once.
            """)

    @OptionGroup var box: BoxOptions
    @Argument(help: "Whose.") var user = FirstOwner.name

    private struct Body: Encodable {
        var password: String
    }

    func run() async throws {
        let client = OperatorClient(box)
        // Before anything is asked.
        _ = try await client.send(OperatorClient.Request("/api/v1/users"))
        let body = try JSONEncoder().encode(Body(password: try read().revealed))
        _ = try await client.send(
            OperatorClient.Request(userPath(user, "password"), method: "PUT", body: Array(body)))
        StandardStream.output.write(
            line: "The password of \(user) is set. Every session of theirs has ended: sign in with the new one.")
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

private func userPath(_ user: String, _ rest: String? = nil) -> String {
    // The web process refuses every name that would need escaping.
    let name = user.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    return "/api/v1/users/\(name == user.lowercased() && !name.isEmpty ? name : "-")" + (rest.map { "/\($0)" } ?? "")
}

/// The link that somebody gets by letter, mail or word of mouth.
private enum Invitation {
    static func show(_ secret: String?, for user: String, _ box: BoxOptions) throws(Problem) {
        guard let secret else { return }
        let urls = WebPlace.last(in: box.stateDirectory).flatMap(SetupURLCommand.urls)
        StandardStream.output.write(line: "\(user) chooses a password here, once, within seven days:")
        for url in urls.isEmpty ? [""] : urls { StandardStream.output.write(line: "  \(url)#invitation=\(secret)") }
    }
}

/// A question on the terminal whose answer nobody sees.
enum Terminal {
    /// - Throws: `user.no-password` at the end of input.
    static func line(prompt: String) throws -> String {
        _ = prompt.withCString { write(2, $0, strlen($0)) }
        guard let line = readLine(strippingNewline: true) else { throw UserPasswordCommand.notEntered }
        return line
    }

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
    static func missing(_ stateDirectory: String) -> Problem {
        Problem(
            code: "state.missing", sentence: "There is no box at \(stateDirectory).",
            remedy: "Name the directory of a box that has run with --state.")
    }

    /// - Throws: `state.not-permitted`, `state.missing`.
    static func become(_ stateDirectory: String) throws(Problem) {
        let directory = stateDirectory + "/web"
        var status = stat()
        guard stat(directory, &status) == 0 else {
            guard errno == ENOENT else { throw notPermitted(directory) }
            throw missing(stateDirectory)
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
