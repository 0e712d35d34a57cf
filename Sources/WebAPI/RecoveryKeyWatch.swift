import FoundationEssentials
import Glibc
import Wire

/// Notices that backups are made for a recovery key that the audit log does not know: whoever put it there opens them all.
///
/// `web/recovery-known` has the last one that is in the log, so that a change is seen as well that was made while this process
/// did not run.
actor RecoveryKeyWatch {
    private let path: String
    private let recipient: @Sendable () -> String?
    private var known: String?
    private var isTold = false

    /// - Parameter recipient: the public half, as it is now; nil while there is none or it cannot be read.
    init(stateDirectory: String, recipient: @escaping @Sendable () -> String?) {
        path = "\(stateDirectory)/web/recovery-known"
        self.recipient = recipient
        known = (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0.prefix(256), as: UTF8.self) }
    }

    func look(_ trail: AuditTrail) async {
        guard let found = recipient().flatMap(Self.recipient(in:)) else { return }
        if found != known {
            (known, isTold) = (found, false)
            await trail.note(.recoveryKey, by: "box", "backups are made for \(found)")
        }
        guard !isTold else { return }
        // Only what is durable is known: otherwise it is told again after the next start.
        guard (try? await trail.write()) != nil else { return }
        isTold = (try? PrivateFile.write(Data(found.utf8), to: path)) != nil
    }

    /// - Returns: nil for anything that is no public half of a key; see age(1).
    private static func recipient(in text: String) -> String? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let word = words.first, word.hasPrefix("age1"), word.utf8.count == 62,
            word.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) })
        else { return nil }
        return String(word)
    }
}
