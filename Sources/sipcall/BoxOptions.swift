import ArgumentParser
import Glibc
import Settings
import Wire

/// Where the box keeps what it must not lose, and where its configuration stands.
struct BoxOptions: ParsableArguments {
    @Option(help: "The directory for everything the box keeps; made if it is missing.")
    var state: String

    @Option(help: "The configuration file. Default: sipcall.toml in the state directory; it may be missing.")
    var config: String?

    @Flag(help: "Log more, for finding faults. Still no numbers, passwords or keys.")
    var verbose = false

    var controlSocket: String { "\(state)/run/control.sock" }

    /// The same options for a process of the box.
    var arguments: [String] {
        ["--state", state] + (config.map { ["--config", $0] } ?? []) + (verbose ? ["--verbose"] : [])
    }

    /// Makes the state directory and its parts, readable by this user only.
    func prepareState() throws {
        // A socket's path has at most 107 bytes (unix(7)).
        guard controlSocket.utf8.count <= 107 else {
            throw ValidationError(
                "--state: this path is too long for the control socket; choose one of at most 85 bytes.")
        }
        for directory in [state, "\(state)/core", "\(state)/web", "\(state)/run"] {
            if mkdir(directory, 0o700) != 0, errno != EEXIST {
                let reason = systemMessage(errno)
                throw ValidationError("--state: the directory \(directory) cannot be made: \(reason).")
            }
            guard access(directory, W_OK | X_OK) == 0 else {
                throw ValidationError("--state: the directory \(directory) is not writable for this user.")
            }
        }
    }

    /// Reads the configuration.
    ///
    /// - Throws: ``SettingsError`` naming the line; a usage error when `--config` names a file that cannot be read.
    func loadConfiguration() throws -> Configuration {
        let path = config ?? "\(state)/sipcall.toml"
        guard let text = readText(path) else {
            if config == nil, errno == ENOENT { return Configuration(file: path, text: "", settings: BoxSettings()) }
            let reason = systemMessage(errno)
            throw ValidationError("--config: the file \(path) cannot be read: \(reason).")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let settings = try BoxSettings(toml: text, file: path) { name in
            readText(name.hasPrefix("/") ? name : folder + name).map { secret in
                secret.hasSuffix("\n") ? String(secret.dropLast()) : secret
            }
        }
        return Configuration(file: path, text: text, settings: settings)
    }
}

/// The configuration with what is needed to say later which line was at fault.
struct Configuration {
    let file: String
    let text: String
    let settings: BoxSettings

    /// A value that is well written but cannot be used on this machine.
    func error(_ key: String, _ problem: Problem) -> SettingsError {
        SettingsError(locating: key, in: text, file: file, problem: problem)
    }
}

/// - Returns: nil with `errno` set when the file cannot be read, is larger than 1 MiB, or is not text.
private func readText(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0, count < bytes.count else {
        errno = ferror(file) != 0 ? EIO : EFBIG
        return nil
    }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
        errno = EILSEQ
        return nil
    }
    return text
}

func systemMessage(_ errnoCode: CInt) -> String {
    strerror(errnoCode).map { String(cString: $0) } ?? "error \(errnoCode)"
}
