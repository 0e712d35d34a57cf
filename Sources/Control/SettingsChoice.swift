package import Wire

/// What was chosen in the page, on its way to the core.
package struct SettingsChoice: Codable, Sendable, Equatable {
    /// Grows with each change.
    package var revision: Int
    /// As the web process keeps it; without passwords.
    package var toml: String
    /// Those that were given now, by the account's name. The core keeps them, and nobody else does.
    package var passwords: [String: Redacted<String>]

    package init(revision: Int, toml: String, passwords: [String: Redacted<String>] = [:]) {
        (self.revision, self.toml, self.passwords) = (revision, toml, passwords)
    }
}

/// What was chosen in the page and holds in the core.
package struct SettingsInForce: Codable, Sendable, Equatable {
    /// 0 where nothing was chosen yet.
    package var revision: Int
    package var toml: String
    /// The accounts whose password the core has, by their names.
    package var withPassword: [String]
    /// What holds only later, or needs something more.
    package var notices: [Problem]
    /// Why it does not hold, though the core keeps it: a file of the box has become of no use meanwhile.
    package var problem: Problem?

    package init(
        revision: Int, toml: String, withPassword: [String] = [], notices: [Problem] = [], problem: Problem? = nil
    ) {
        (self.revision, self.toml, self.withPassword) = (revision, toml, withPassword)
        (self.notices, self.problem) = (notices, problem)
    }
}
