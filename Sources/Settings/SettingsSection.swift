/// A part of the settings that people choose in the page, unless the configuration file says something of it.
///
/// What the box needs to start, its addresses and ports, is the file's alone.
package enum SettingsSection: String, Sendable, Codable, CaseIterable {
    case dialling
    case forwarding
    case ledger
    /// Of `[media]` only the addresses that are told to others.
    case media
    /// The accounts with providers.
    case trunks

    /// The name of its table in the file's form.
    package var table: String { self == .trunks ? "trunk" : rawValue }

    /// There may be several of its tables.
    package var isList: Bool { self == .trunks }

    /// Keys of its table that stay with the file though people choose the others.
    var keysOfTheFile: [String] {
        switch self {
        case .dialling, .forwarding, .ledger: []
        case .media: ["listen", "ports"]
        // A file that is named here would be read by the process that holds the passwords.
        case .trunks: ["password", "password_file", "ca_file"]
        }
    }
}
