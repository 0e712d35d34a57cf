import Foundation
import Glibc
package import Wire

/// Carries the files of one state directory over to the form that this version of the program keeps them in.
///
///     DIR/schema            the number of the form; missing: 1
///     DIR/before-schema-N   the files as they were before the step to N, one copy for each step
///     DIR/schema.pending    N: a step to N has begun, and no process has been ready since
///     DIR/schema.next       what becomes `schema` then: a full disk must not be able to prevent that
///
///     older ──copy to before-schema-N──▶ pending ──step──▶ … ──ready──▶ schema says N, pending is gone
///                                          └──any other end──▶ the next start puts the copy back first
///
/// Until a process with the new form has been ready, the old form is the truth: whatever ends the process before, this version
/// or an older one finds `schema.pending` and restores the copy. Crash reports belong to no form and stay where they are.
package struct StateSchema: Sendable {
    /// One step: changes the files in a directory from the form before to that of `to`.
    package struct Step: Sendable {
        package var to: Int
        package var migrate: @Sendable (_ directory: String) throws -> Void

        package init(to: Int, migrate: @escaping @Sendable (_ directory: String) throws -> Void) {
            (self.to, self.migrate) = (to, migrate)
        }
    }

    /// The form that this version keeps. debian/rules reads this line for the package's refusal to go back.
    package static let current = 1
    /// From each form to the next.
    package static let steps: [Step] = []

    private static let notData = ["schema", "schema.next", "schema.pending", "schema.writer", "crashes"]
    /// How long the copies stay once the new form is the truth: they hold what was erased since, and keys of it.
    private static let copiesStay: TimeInterval = 14 * 86_400

    private let directory: String
    private let steps: [Step]
    private let version: String
    private var files: FileManager { .default }

    package init(directory: String, version: String, steps: [Step] = StateSchema.steps) {
        (self.directory, self.version, self.steps) = (directory, version, steps)
    }

    private var current: Int { steps.last?.to ?? Self.current }

    /// Brings the directory to this version's form; ``commit()`` must follow once the process is ready.
    /// - Throws: `state.newer` before anything is touched; `state.not-migrated` when a step fails: all is as it was then.
    package func prepare() throws(Problem) {
        var found = try number(in: "schema") ?? 1
        guard found <= current else { throw newer() }
        do {
            try restoreIfPending(to: found)
            forgetCopies(now: .now)
            if found < current { try write("\(current)", to: "schema.next") }
            for step in steps where step.to > found {
                let copy = "\(directory)/before-schema-\(step.to)"
                try? files.removeItem(atPath: copy)
                try? files.removeItem(atPath: "\(copy).new")
                try copyData(from: directory, to: "\(copy).new")
                guard rename("\(copy).new", copy) == 0 else { throw POSIXError(.EIO) }
                sync()
                if access("\(directory)/schema.pending", F_OK) != 0 { try write("\(step.to)", to: "schema.pending") }
                try step.migrate(directory)
                found = step.to
            }
        } catch {
            // What a step said stays out: it may hold what was in the files.
            try? restoreIfPending(to: (try? number(in: "schema")) ?? 1)
            // Half a copy would fill a disk that is full already.
            for step in steps { try? files.removeItem(atPath: "\(directory)/before-schema-\(step.to).new") }
            throw Problem(
                code: "state.not-migrated",
                sentence: "The data in \(directory) could not be carried over to this version; it is as it was before.",
                remedy: "See that the disk has room, or install the former version again.")
        }
    }

    /// The process is ready: from here on the new form is the truth.
    package func commit() throws(Problem) {
        guard try number(in: "schema") ?? 1 != current || access("\(directory)/schema.pending", F_OK) == 0 else {
            return
        }
        // First who wrote it, for an older version's refusal. The number decides; a pending note beside it means nothing more.
        try? write(version, to: "schema.writer")
        sync()
        do {
            if rename("\(directory)/schema.next", "\(directory)/schema") != 0 { try write("\(current)", to: "schema") }
            sync()
        } catch {
            throw Problem(
                code: "state.not-migrated", sentence: "The data in \(directory) cannot be written to.",
                remedy: "See that the disk has room and is not read-only.")
        }
        unlink("\(directory)/schema.pending")
    }

    /// Removes the copies of steps that were carried through long ago.
    private func forgetCopies(now: Date) {
        for name in SmallFile.names(in: directory) ?? [] where name.hasPrefix("before-schema-") {
            let path = "\(directory)/\(name)"
            guard let made = try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date,
                now.timeIntervalSince(made) > Self.copiesStay
            else { continue }
            try? files.removeItem(atPath: path)
        }
    }

    // MARK: - Copies

    /// Puts the files back as they were, from the copy of the first step that was begun.
    private func restoreIfPending(to found: Int) throws {
        guard let pending = try number(in: "schema.pending") else { return }
        guard pending > found else {
            unlink("\(directory)/schema.pending")
            return
        }
        let copy = "\(directory)/before-schema-\(pending)"
        guard files.fileExists(atPath: copy) else { throw POSIXError(.ENOENT) }
        for name in try data(in: directory) { try files.removeItem(atPath: "\(directory)/\(name)") }
        for name in try data(in: copy) { try FileCopy.copy("\(copy)/\(name)", to: "\(directory)/\(name)") }
        sync()
        unlink("\(directory)/schema.pending")
    }

    private func copyData(from source: String, to target: String) throws {
        try files.createDirectory(
            atPath: target, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for name in try data(in: source) {
            try FileCopy.copy("\(source)/\(name)", to: "\(target)/\(name)")
        }
    }

    private func data(in folder: String) throws -> [String] {
        guard let names = SmallFile.names(in: folder) else { throw POSIXError(.EIO) }
        return names.filter { !Self.notData.contains($0) && !$0.hasPrefix("before-schema-") }
    }

    // MARK: - Numbers

    private func number(in name: String) throws(Problem) -> Int? {
        let path = "\(directory)/\(name)"
        guard let text = SmallFile.text(path, atMost: 64) else {
            if errno == ENOENT { return nil }
            throw unreadable(path)
        }
        guard let number = Int(text.prefix { $0 != "\n" }), number >= 1 else { throw unreadable(path) }
        return number
    }

    private func write(_ text: String, to name: String) throws {
        guard SmallFile.replace("\(directory)/\(name)", with: Array("\(text)\n".utf8), durable: true) else {
            throw POSIXError(.EIO)
        }
    }

    private func unreadable(_ path: String) -> Problem {
        Problem(
            code: "state.unreadable",
            sentence: "The file \(path) is not a number: nobody knows which form the data has.",
            remedy: "Restore the directory from a backup.")
    }

    private func newer() -> Problem {
        let writer = SmallFile.text("\(directory)/schema.writer", atMost: 64).map {
            String($0.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~-".contains($0)) })
        }
        return Problem(
            code: "state.newer",
            sentence: "The data in \(directory) was written by "
                + "\(writer.map { "SIPCall \($0)" } ?? "a newer SIPCall"); this one is \(version).",
            remedy: "Install that version again, or restore the copy before-schema-\(current + 1) beside the data.")
    }
}
