import Crypto
import CryptoExtras
import FoundationEssentials
import Glibc
package import Wire

/// The one password of the box, as it is kept: a salted scrypt hash (RFC 7914) in `web/admin.json`.
package struct AdminPassword: Sendable {
    private struct Stored: Codable {
        var algorithm = "scrypt"
        /// N, r and p of RFC 7914 §2: 32 MiB and about 0.3 s of one core each time.
        var cost: Int
        var blockSize = 8
        var parallelism: Int
        var salt: Data
        var hash: Data
    }

    private static let hashBytes = 32
    private static let acceptedLengths = 8...1024

    private let stored: Stored
    /// Tells this setting of the password from every other one; says nothing about the password.
    let fingerprint: String

    /// - Throws: `web.password-file` if the file is missing, unreadable or not what `create` writes.
    package init(in stateDirectory: String) throws(Problem) {
        let path = Self.path(in: stateDirectory)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw WebProblem.passwordFile(path, why: "it cannot be read")
        }
        guard let stored = try? JSONDecoder().decode(Stored.self, from: data), stored.algorithm == "scrypt",
            stored.hash.count == Self.hashBytes, stored.cost.nonzeroBitCount == 1,
            (1 << 10...1 << 20).contains(stored.cost), (1...32).contains(stored.blockSize),
            (1...16).contains(stored.parallelism), stored.salt.count >= 16
        else { throw WebProblem.passwordFile(path, why: "its content is damaged") }
        self.stored = stored
        fingerprint = hexadecimal(SHA256.hash(data: data).prefix(16))
    }

    /// Makes the password at the first start and keeps only its hash.
    ///
    /// - Parameter given: the password to take; without one a readable one of 79 random bits is made.
    /// - Returns: the password, to be shown once; nil if there is one already, which stays.
    /// - Throws: `web.password-too-short`, `web.password-file`.
    package static func create(in stateDirectory: String, given: String? = nil) throws(Problem) -> Redacted<String>? {
        try create(in: stateDirectory, given: given, cost: 1 << 15, parallelism: 3)
    }

    /// The same for a service, which has no terminal to show it on: the password is left in `web/first-password`.
    ///
    /// - Throws: `web.password-file`.
    package static func createWithNote(in stateDirectory: String) throws(Problem) {
        guard access(path(in: stateDirectory), F_OK) != 0 else { return }
        var generator = SystemRandomNumberGenerator()
        let password = readable(using: &generator)
        let note = note(in: stateDirectory)
        do {
            // The note first: a password that nobody can read any more would lock its owner out.
            try PrivateFile.write(Data("\(password)\n".utf8), to: note)
        } catch {
            throw WebProblem.passwordFile(note, why: "it cannot be written (\(error))")
        }
        _ = try create(in: stateDirectory, given: password)
    }

    /// `cost` and `parallelism` are N and p of RFC 7914 §2.
    static func create(in stateDirectory: String, given: String?, cost: Int, parallelism: Int) throws(Problem)
        -> Redacted<String>?
    {
        let path = path(in: stateDirectory)
        guard access(path, F_OK) != 0 else { return nil }
        var generator = SystemRandomNumberGenerator()
        let password = given ?? readable(using: &generator)
        try set(Redacted(password), in: stateDirectory, cost: cost, parallelism: parallelism)
        return Redacted(password)
    }

    /// Sets the password anew, whatever it was. A web process that runs takes it within two seconds and ends every
    /// session.
    ///
    /// - Throws: `web.password-too-short`, `web.password-file`.
    package static func set(_ password: Redacted<String>, in stateDirectory: String) throws(Problem) {
        try set(password, in: stateDirectory, cost: 1 << 15, parallelism: 3)
        forgetNote(in: stateDirectory)
    }

    static func set(
        _ password: Redacted<String>, in stateDirectory: String, cost: Int, parallelism: Int
    ) throws(Problem) {
        guard acceptedLengths.contains(password.revealed.utf8.count) else { throw WebProblem.passwordTooShort }
        let path = path(in: stateDirectory)
        var generator = SystemRandomNumberGenerator()
        do {
            var stored = Stored(
                cost: cost, parallelism: parallelism,
                salt: Data((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }), hash: Data())
            stored.hash = try derive(password.revealed, with: stored)
            try PrivateFile.write(JSONEncoder().encode(stored), to: path)
        } catch {
            throw WebProblem.passwordFile(path, why: "it cannot be written (\(error))")
        }
    }

    // MARK: The note

    /// Where the first password stands in the clear until it has been used.
    private static func note(in stateDirectory: String) -> String { stateDirectory + "/web/first-password" }

    /// - Returns: nil when it has been used, or was never left as a note.
    package static func firstPassword(in stateDirectory: String) -> Redacted<String>? {
        guard let data = FileManager.default.contents(atPath: note(in: stateDirectory)), data.count <= 1025 else {
            return nil
        }
        let text = String(decoding: data, as: UTF8.self).filter { $0 != "\n" }
        return text.isEmpty ? nil : Redacted(text)
    }

    static func forgetNote(in stateDirectory: String) {
        unlink(note(in: stateDirectory))
    }

    /// Changes whenever the file is replaced.
    static func identity(in stateDirectory: String) -> String {
        var status = stat()
        guard stat(path(in: stateDirectory), &status) == 0 else { return "" }
        return "\(status.st_ino) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec) \(status.st_size)"
    }

    /// Takes about 0.3 s of computing: not for an event loop.
    package func matches(_ password: Redacted<String>) -> Bool {
        guard let hash = try? Self.derive(password.revealed, with: stored), hash.count == stored.hash.count else {
            return false
        }
        return zip(hash, stored.hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func path(in stateDirectory: String) -> String { stateDirectory + "/web/admin.json" }

    /// Four groups of four letters and digits, without those that look like another (0 o, 1 i l).
    private static func readable(using generator: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        return (0..<4)
            .map { _ in String((0..<4).compactMap { _ in alphabet.randomElement(using: &generator) }) }
            .joined(separator: "-")
    }

    private static func derive(_ password: String, with stored: Stored) throws -> Data {
        let key = try KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: stored.salt, outputByteCount: hashBytes, rounds: stored.cost,
            blockSize: stored.blockSize, parallelism: stored.parallelism)
        return key.withUnsafeBytes { Data($0) }
    }
}
