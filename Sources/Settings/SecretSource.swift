import Wire

/// Where a decoder finds the passwords of accounts, and with that whose text it reads.
enum SecretSource {
    /// The configuration file: they stand in it, or in files that it names.
    case files((String) -> String?)
    /// What was chosen in the page, which has none.
    case accounts(AccountPasswords)

    var isPage: Bool { if case .accounts = self { true } else { false } }
}
