import ArgumentParser
import Glibc
import Settings
import Systemd
import Wire

/// Where the box keeps what it must not lose, and where its configuration stands.
struct BoxOptions: ParsableArguments {
    @Option(
        help: """
            The directory for everything the box keeps; made if it is missing. Without it the box that the Debian package \
            installed is meant: /var/lib/sipcall, /etc/sipcall/sipcall.toml and /run/sipcall/control.sock.
            """)
    var state: String?

    @Option(help: "The configuration file. Default: sipcall.toml in the state directory; it may be missing.")
    var config: String?

    @Flag(help: "Log more, for finding faults. Still no numbers, passwords or keys.")
    var verbose = false

    var stateDirectory: String { state ?? "/var/lib/sipcall" }

    var controlSocket: String { state.map { "\($0)/run/control.sock" } ?? "/run/sipcall/control.sock" }

    /// Where the web process takes the commands of this machine.
    var operatorSocket: String { state.map { "\($0)/run/operator.sock" } ?? "/run/sipcall-operator/operator.sock" }

    /// The web process's own way to the core: on the installed box in a directory that no other user may enter.
    var webSocket: String { state.map { "\($0)/run/web.sock" } ?? "/run/sipcall/web/control.sock" }

    var configurationFile: String {
        config ?? state.map { "\($0)/sipcall.toml" } ?? "/etc/sipcall/sipcall.toml"
    }

    /// The directories that a part of the box writes to. On the installed box each part has a user of its own, and the
    /// parts above them are made by systemd-tmpfiles.
    private func directories(for part: String) -> [String] {
        guard let state else { return ["\(stateDirectory)/\(part)"] }
        return [state, "\(state)/core", "\(state)/web", "\(state)/run"]
    }

    /// The same options for a process of the box.
    var arguments: [String] {
        ["--state", stateDirectory] + (config.map { ["--config", $0] } ?? []) + (verbose ? ["--verbose"] : [])
    }

    /// Makes the directories that a part of the box (`core`, `web`, `run`) writes to, readable by this user only.
    func prepareState(for part: String) throws {
        try RestoreProblem.refuseUnfinished(stateDirectory)
        // A socket's path has at most 107 bytes (unix(7)).
        guard controlSocket.utf8.count <= 107 else {
            throw ValidationError(
                "--state: this path is too long for the control socket; choose one of at most 85 bytes.")
        }
        for directory in directories(for: part) {
            if mkdir(directory, 0o700) != 0, errno != EEXIST {
                let reason = systemMessage(errno)
                throw ValidationError("--state: the directory \(directory) cannot be made: \(reason).")
            }
            // A disk that can only be read is no reason to stay away: calls need none, and the storage probe says what is wrong.
            guard access(directory, W_OK | X_OK) == 0 || errno == EROFS else {
                throw ValidationError("--state: the directory \(directory) is not writable for this user.")
            }
        }
    }

    /// Reads the configuration.
    ///
    /// - Parameter withSecrets: false for a process that has no use for the provider's password and may not read it.
    /// - Throws: ``SettingsError`` naming the line; a usage error when `--config` names a file that cannot be read.
    func loadConfiguration(withSecrets: Bool = true) throws -> Configuration {
        let path = configurationFile
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let presets = PresetShelf.installed(beside: folder)
        func configuration(_ text: String, _ settings: BoxSettings) -> Configuration {
            Configuration(file: path, text: text, settings: settings, presets: presets)
        }
        guard let text = readText(path) else {
            if config == nil, errno == ENOENT { return configuration("", BoxSettings()) }
            let reason = systemMessage(errno)
            throw ValidationError("--config: the file \(path) cannot be read: \(reason).")
        }
        let settings = try BoxSettings(toml: text, file: path, presets: presets, schema: .ofThisBuild) { name in
            guard withSecrets else { return "-" }
            let secret = name.hasPrefix("/") ? readText(name) : readCredential(name) ?? readText(folder + name)
            return secret.map { $0.hasSuffix("\n") ? String($0.dropLast()) : $0 }
        }
        return configuration(text, settings)
    }
}

/// The configuration with what is needed to say later which line was at fault.
struct Configuration {
    let file: String
    let text: String
    let settings: BoxSettings
    let presets: PresetShelf

    /// These settings, and what was chosen in the page where the file says nothing.
    func completed(by chosen: BoxSettings) throws(SettingsError) -> BoxSettings {
        let said = try BoxSettings.sections(saidIn: text, file: file, schema: .ofThisBuild)
        return settings.completed(by: chosen, except: said.keys)
    }

    /// A value that is well written but cannot be used on this machine.
    func error(_ key: String, _ problem: Problem) -> SettingsError {
        SettingsError(locating: key, in: text, file: file, problem: problem)
    }
}

/// - Returns: nil too for a credential of no use, which is then as good as missing.
private func readCredential(_ name: String) -> String? {
    guard let secret = try? Credentials().read(name) else { return nil }
    return String(validating: secret.revealed, as: UTF8.self)
}

/// - Returns: nil with `errno` set when the file cannot be read, is larger than 1 MiB, or is not text.
func readText(_ path: String) -> String? {
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
