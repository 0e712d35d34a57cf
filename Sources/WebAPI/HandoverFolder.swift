import FoundationEssentials
import Glibc
package import Wire

/// `web/handover`: the copy of what the web process keeps, for a backup.
package struct HandoverFolder: Sendable {
    /// What is no data, or is copied otherwise: locks, unfinished files, the master key, and what says that a process runs.
    private static let leftOut: Set<String> = [
        "accounts.sqlite", "accounts.sqlite-journal", "crashes", "handover", "ledger", "ledger.lock", "master.key",
    ]
    /// A backup is stopped after four hours: whoever has not given the copy back by then does not need it any more.
    private static let longest: Duration = .seconds(5 * 3600)

    private let state: String

    package init(state: String) {
        self.state = state
    }

    package var path: String { "\(state)/web/handover" }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Removes this copy, and no later one, in case that nobody does.
    func removeLater() {
        guard let made = Self.identity(path) else { return }
        Task {
            try await Task.sleep(for: Self.longest)
            if Self.identity(path) == made { remove() }
        }
    }

    private static func identity(_ path: String) -> String? {
        guard let found = try? FileManager.default.attributesOfItem(atPath: path),
            let number = found[.systemFileNumber] as? UInt64, let time = found[.modificationDate] as? Date
        else { return nil }
        return "\(number) \(time.timeIntervalSince1970)"
    }

    /// - Returns: `…/handover/web`, with an empty `ledger` in it. One from before is gone.
    /// - Throws: `web.no-handover`, also when there is not enough room.
    package func makeEmpty(size: Int) throws(Problem) -> String {
        let target = "\(path)/web"
        remove()
        do {
            try FileManager.default.createDirectory(
                atPath: "\(target)/ledger", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw WebProblem.noHandover
        }
        var status = statvfs()
        let isKnown = statvfs(path, &status) == 0
        let free = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        guard !isKnown || free.overflow || free.partialValue >= size + 64 << 20 else { throw WebProblem.noHandover }
        return target
    }

    /// The small files beside the ledger and the accounts: the certificate in `tls`, and what a box without accounts left.
    ///
    /// - Returns: what was passed over: links, and files that are too large to be ours.
    package func copyFiles() throws(Problem) -> [String] {
        let passedOver = try copy("\(state)/web", to: "\(path)/web", leavingOut: Self.leftOut, depth: 0)
        // Carried over and not settled yet: the data is in the new form, and says so in the backup.
        let next = URL(filePath: "\(state)/web/schema.next")
        if FormerState(directory: "\(state)/web").isUndecided, let form = try? Data(contentsOf: next) {
            do { try PrivateFile.write(form, to: "\(path)/web/schema", isDurable: false) } catch {
                throw WebProblem.noHandover
            }
        }
        return passedOver
    }

    private func copy(
        _ source: String, to target: String, leavingOut: Set<String> = [], depth: Int
    ) throws(Problem) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: source) else {
            throw WebProblem.noHandover
        }
        var passedOver: [String] = []
        for name in names.sorted()
        where !leavingOut.contains(name) && !name.hasSuffix(".new") && !FormerState.isOf(name) {
            let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
            // One may go while it is copied.
            guard let found = try? FileManager.default.attributesOfItem(atPath: from) else { continue }
            switch found[.type] as? FileAttributeType {
            case .typeDirectory? where depth < 4:
                guard mkdir(to, 0o700) == 0 || errno == EEXIST else { throw WebProblem.noHandover }
                passedOver += try copy(from, to: to, depth: depth + 1)
            case .typeRegular? where found[.size] as? UInt64 ?? .max <= 16 << 20:
                do {
                    try PrivateFile.write(try Data(contentsOf: URL(filePath: from)), to: to, isDurable: false)
                } catch {
                    guard access(from, F_OK) != 0 else { throw WebProblem.noHandover }
                }
            default: passedOver.append(from)
            }
        }
        return passedOver
    }
}
