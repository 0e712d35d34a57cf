import Wire

/// Where the page's certificate comes from: an authority that is asked by ACME (RFC 8555).
package struct ACMESettings: Sendable, Equatable {
    /// Let's Encrypt.
    package static let usualDirectory = "https://acme-v02.api.letsencrypt.org/directory"

    /// The host names under which the page is opened; the first one names the certificate.
    package var names: [String]
    /// Of the authority, https.
    package var directory = usualDirectory
    /// Where the authority writes when something is wrong.
    package var email: String?

    /// - Returns: nil where nothing is said about it.
    init?(from source: SettingsTable) throws(SettingsError) {
        guard source.isPresent else { return nil }
        var table = source
        guard let names = try table.oneOrMore("name", example: "phone.example.org") else {
            throw table.error("name", "This key is missing.", "Add: name = \"phone.example.org\".")
        }
        for name in names where !Self.isHostName(name) {
            throw table.error(
                "name", "This is not a host name that an authority can look at.",
                "Write the name under which the page is opened, as phone.example.org.")
        }
        self.names = names.map { $0.lowercased() }
        if let directory = try table.string("directory", example: Self.usualDirectory) {
            guard directory.hasPrefix("https://"), directory.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw table.error(
                    "directory", "An authority's directory is an https address.",
                    "For example: directory = \"\(Self.usualDirectory)\".")
            }
            self.directory = directory
        }
        email = try table.string("email", example: "owner@example.org")
        if let email, !Self.isMailbox(email) {
            throw table.error("email", "This is not an e-mail address.", "For example: email = \"owner@example.org\".")
        }
        guard try table.flag("accept_terms") == true else {
            throw table.error(
                "accept_terms", "An authority gives a certificate only to those who accept its terms.",
                "Read them at the authority, and add: accept_terms = true.")
        }
        try table.refuseUnknownKeys()
    }

    /// Two labels at least (RFC 1123 §2.1): no authority vouches for a name of the home network.
    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    }
            }
    }

    /// Something, an at sign, and a host; it becomes an argument of a program.
    private static func isMailbox(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return text.utf8.count <= 254 && parts.count == 2 && !parts[0].isEmpty && !text.hasPrefix("-")
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } && isHostName(String(parts[1]))
    }
}
