import Glibc
package import Wire

/// The secrets that the unit hands to this process (`LoadCredential=`, `LoadCredentialEncrypted=`; systemd.exec(5)).
package struct Credentials: Sendable {
    /// systemd's own limit for all credentials of a unit together.
    package static let largest = 1 << 20

    private let directory: String?

    /// For the directory that the environment names.
    package init() {
        self.init(directory: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
    }

    /// - Parameter directory: nil when the unit hands over none.
    package init(directory: String?) {
        self.directory = directory
    }

    /// - Parameter name: as in the unit, before the colon.
    /// - Returns: nil when the unit hands over no credential of this name.
    /// - Throws: `systemd.credential-unreadable` when it is there but of no use.
    package func read(_ name: String) throws(Problem) -> Redacted<[UInt8]>? {
        guard let directory, !name.isEmpty, name != ".", name != "..", !name.contains("/") else { return nil }
        let descriptor = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.unreadable(name, errno)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.largest + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.unreadable(name, errno) }
            guard count > 0 else { return Redacted(Array(bytes[..<filled])) }
            filled += count
        }
        throw Self.unreadable(name, EFBIG)
    }

    private static func unreadable(_ name: String, _ number: CInt) -> Problem {
        let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
        return Problem(
            code: "systemd.credential-unreadable", sentence: "The credential \(name) cannot be read: \(reason).",
            remedy: "Check LoadCredential= in the unit and the file that it names.")
    }
}
