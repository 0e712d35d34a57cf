package import Wire

/// A value in the configuration file that cannot be used, with the place and the way out.
package struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    /// 1 is the first line; 0 when the key is missing altogether.
    package var line: Int
    /// Dotted: `trunk.server`; empty when the file as a whole is meant.
    package var key: String
    /// What is wrong; no secrets.
    package var reason: String
    package var remedy: String
    /// That of the problem that the value led to, when it is well written but cannot be used here.
    package var code = "settings.invalid"

    /// `sipcall.toml:12: trunk.server: … …`
    package var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return key.isEmpty ? "\(place): \(reason) \(remedy)" : "\(place): \(key): \(reason) \(remedy)"
    }

    package var problem: Problem {
        Problem(code: code, sentence: description)
    }
}

extension SettingsError {
    /// An error about a file as a whole.
    package init(file: String, reason: String, remedy: String) {
        self.init(file: file, line: 0, key: "", reason: reason, remedy: remedy)
    }

    /// An error about a value that was read before, found again in the file's text.
    package init(locating key: String, in text: String, file: String, problem: Problem) {
        self.init(
            file: file, line: KeyLines(text).line(of: key), key: key, reason: problem.sentence,
            remedy: problem.remedy, code: problem.code)
    }
}
