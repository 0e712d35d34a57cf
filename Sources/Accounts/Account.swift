package import FoundationEssentials

/// What somebody may do. Each role is a fixed set of permissions; nobody has two.
package enum Role: String, Sendable, Codable, CaseIterable {
    /// Everything. There is always at least one.
    case owner
    /// Everything but what ends the owner's hold on the box: keys, restores, other owners.
    case admin
    /// Telephones, and sees what is their own.
    case user
    /// Reads everything that an admin may read, and changes nothing.
    case auditor

    /// Whether the role includes a permission.
    package func may(_ permission: Permission) -> Bool {
        switch permission {
        case .telephone: self != .auditor
        case .readEverything: self != .user
        case .changeSettings, .manageAccounts, .export, .erase: self == .owner || self == .admin
        case .handleKeys: self == .owner
        }
    }

    /// Whether somebody of this role may make, change or end an account of the other role.
    package func maySetUp(_ other: Role) -> Bool {
        may(.manageAccounts) && (self == .owner || other != .owner)
    }
}

/// What a route asks for.
package enum Permission: Sendable, CaseIterable {
    /// Make and take calls, read one's own.
    case telephone
    /// Everybody's calls, settings (secrets masked), audit log, health.
    case readEverything
    case changeSettings
    case manageAccounts
    /// Take data of others off the box.
    case export
    /// Have all records of a person removed, as the law lets them ask for.
    case erase
    /// Recovery key, master key, restore.
    case handleKeys
}

/// Somebody who may sign in.
package struct Account: Sendable, Equatable {
    package enum State: String, Sendable, Codable {
        /// Has a link, and no password yet.
        case invited
        case active
        /// Cannot sign in; nothing of theirs is removed.
        case suspended
    }

    /// What they sign in with, and what their calls are filed under: never changed.
    package let name: AccountName
    /// As others see them.
    package var displayName: String
    package var role: Role
    package var state: State
    /// BCP 47, such as `de`; nil: as the browser says.
    package var language: String?
    /// A one-time password is asked for.
    package internal(set) var hasSecondFactor = false
    package let created: Date
}

extension Account {
    /// A name as others see it, without what would move about on a terminal, and of at most 100 characters.
    package static func shown(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.filter { !isControl($0) }).prefix(100))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// What may stand for a language (RFC 5646): letters, digits and hyphens, at most 35 of them.
    static func language(_ text: String?) -> String? {
        func isAllowed(_ byte: UInt8) -> Bool {
            byte == 0x2d || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
        }
        guard let text, (1...35).contains(text.utf8.count), text.utf8.allSatisfy(isAllowed) else { return nil }
        return text
    }
}

/// The name of an account: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit.
///
/// No capitals, no blanks, no letters that look like others: two names that look the same are the same.
package struct AccountName: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// - Parameter text: capitals are made small.
    /// - Returns: nil when it is not such a name.
    package init?(_ text: some StringProtocol) {
        let name = text.lowercased()
        let bytes = name.utf8
        guard (1...64).contains(bytes.count), let first = bytes.first, Self.isLetterOrDigit(first),
            bytes.allSatisfy({ Self.isLetterOrDigit($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x2d })
        else { return nil }
        description = name
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
    }
}
