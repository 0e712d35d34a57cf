import Foundation
import Glibc
import Wire

// The way back: copies before a step, and what was put aside when it was taken back.
extension StateSchema {
    private static let notData = [
        "crashes", "schema", "schema.next", "schema.pending", "schema.writer", "served", "served.next",
    ]
    private static let copies = ["before-schema-", "restoring-schema-", "undone-schema-"]
    /// How long the copies stay once the new form is the truth: they hold what was deleted since, and keys of it.
    private static let copiesStay: TimeInterval = 14 * 86_400
    /// Left free beside the copies, for what the box writes meanwhile.
    private static let spare = 16 << 20

    /// Puts the files back as they were, from the copy of the first step that was begun.
    ///
    /// Nothing is copied for it, so that it works on a full disk; each part of it can be begun again after a kill.
    /// - Parameter isDone: whether all steps were done, so that a process may have served: what it wrote is put aside.
    /// - Returns: what to tell of that.
    @discardableResult
    func takeBack(_ pending: Int, isDone: Bool) throws(Problem) -> Problem? {
        let (copy, restoring) = ("\(directory)/before-schema-\(pending)", "\(directory)/restoring-schema-\(pending)")
        do {
            guard files.fileExists(atPath: copy) || files.fileExists(atPath: restoring) else {
                throw POSIXError(.ENOENT)
            }
            let aside = isDone ? try putAside(pending) : nil
            if isDone { unlink("\(directory)/schema.next") }
            if !files.fileExists(atPath: restoring) {
                for name in try data(in: directory) { try files.removeItem(atPath: "\(directory)/\(name)") }
                guard rename(copy, restoring) == 0 else { throw POSIXError(.EIO) }
            }
            for name in try data(in: restoring) {
                guard rename("\(restoring)/\(name)", "\(directory)/\(name)") == 0 else { throw POSIXError(.EIO) }
            }
            sync()
            unlink("\(directory)/schema.pending")
            rmdir(restoring)
            for step in steps where step.to > pending {
                try? files.removeItem(atPath: "\(directory)/before-schema-\(step.to)")
            }
            return aside.map {
                Problem(
                    code: "state.taken-back",
                    sentence: "The data in \(directory) is again as it was before a newer version that did not settle; "
                        + "what that one had made of it is in \($0), for two weeks.",
                    remedy: "Install a later version; what happened in between is in that directory only.")
            }
        } catch {
            throw Problem(
                code: "state.not-restored",
                sentence: "The data in \(directory) could not be put back as it was before a newer version.",
                remedy: "See that the disk is not read-only and before-schema-\(pending) is there; "
                    + "the next start tries again.")
        }
    }

    /// - Returns: the directory's name; nil when there was nothing.
    private func putAside(_ pending: Int) throws -> String? {
        let new = "\(directory)/undone-schema-\(pending).new"
        guard mkdir(new, 0o700) == 0 || errno == EEXIST else { throw POSIXError(.EIO) }
        for name in try data(in: directory) {
            guard rename("\(directory)/\(name)", "\(new)/\(name)") == 0 else { throw POSIXError(.EIO) }
        }
        guard rmdir(new) != 0 else { return nil }
        var (name, count) = ("undone-schema-\(pending)", 1)
        while files.fileExists(atPath: "\(directory)/\(name)"), count < 1000 {
            (name, count) = ("undone-schema-\(pending)-\(count)", count + 1)
        }
        guard rename(new, "\(directory)/\(name)") == 0 else { throw POSIXError(.EIO) }
        sync()
        return name
    }

    func copyData(to target: String) throws {
        try files.createDirectory(
            atPath: target, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for name in try data(in: directory) {
            try FileCopy.copy("\(directory)/\(name)", to: "\(target)/\(name)")
        }
    }

    private func data(in folder: String) throws -> [String] {
        guard let names = SmallFile.names(in: folder) else { throw POSIXError(.EIO) }
        return names.filter { name in !Self.notData.contains(name) && !Self.copies.contains { name.hasPrefix($0) } }
    }

    // MARK: - Before a step

    /// A copy of a link to another place is no copy of what is there, and a mounted disk cannot be put aside.
    func requirePlainFiles() throws(Problem) {
        guard let names = try? data(in: directory) else { return }
        for name in names {
            guard let place = FileCopy.placeElsewhere("\(directory)/\(name)") else { continue }
            throw Problem(
                code: "state.not-plain",
                sentence: "\(place) is a link to another directory, or a disk of its own: there would be no way back "
                    + "from the new form of the data.",
                remedy: "Stop the box, put the files themselves into its place (all of \(directory) may be on another "
                    + "disk), and start it again.")
        }
    }

    func requireRoom(copies: Int) throws(Problem) {
        guard copies > 0, let names = try? data(in: directory) else { return }
        var needed = Self.spare
        for name in names {
            let (size, isTooLarge) = FileCopy.size("\(directory)/\(name)").multipliedReportingOverflow(by: copies)
            needed = isTooLarge ? .max : Int(clamping: UInt64(needed) + UInt64(clamping: size))
        }
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return }
        let free = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        guard !free.overflow, free.partialValue < needed else { return }
        throw Problem(
            code: "state.no-room",
            sentence: "This version keeps the data in \(directory) in another form, and a copy of the former one needs "
                + "\(needed >> 20) MB; \(free.partialValue >> 20) MB are free. Nothing was touched.",
            remedy: "Make room on that disk, or install the former version again.")
    }

    // MARK: - Afterwards

    /// Removes the copies of steps that were carried through, or taken back, long ago.
    func forgetCopies(now: Date) {
        for name in SmallFile.names(in: directory) ?? [] where Self.copies.contains(where: { name.hasPrefix($0) }) {
            let path = "\(directory)/\(name)"
            guard let made = try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date,
                now.timeIntervalSince(made) > Self.copiesStay
            else { continue }
            try? files.removeItem(atPath: path)
        }
    }

    /// The spool's records are in the new form, too, and soon in the ledger: an erasure there would not find them here.
    func forgetRecordsInCopies() {
        for name in SmallFile.names(in: directory) ?? [] where name.hasPrefix("before-schema-") {
            for file in SmallFile.names(in: "\(directory)/\(name)") ?? [] where file.hasPrefix("spool.sqlite") {
                unlink("\(directory)/\(name)/\(file)")
            }
        }
    }
}
