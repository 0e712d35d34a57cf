import Foundation
import Glibc
package import Wire

/// Carries the files of one state directory over to the form that this version of the program keeps them in.
///
///     DIR/schema            the number of the form; missing: 1
///     DIR/before-schema-N   the files as they were before the step to N, one copy for each step
///     DIR/schema.pending    N: a step to N has begun, and the box has not settled on the new form since
///     DIR/schema.next       all steps are done; it becomes `schema` once the box has settled
///     DIR/undone-schema-N   what the new form had come to when it was taken back
///
///     older ──copy to before-schema-N──▶ pending ──steps──▶ next ──box settles──▶ schema says N, pending is gone
///                                          │                └──start of this form──▶ goes on; of another ──▶ put aside, copy back
///                                          └──any other end──▶ the next start puts the copy back first
///
/// Until every part of the box has served in the new form (``BoxForm``), the old form is the truth: whatever ends the process before,
/// an older version finds `schema.pending` and restores the copy, in each directory alike. Crash reports belong to no form and
/// stay where they are.
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

    let directory: String
    let steps: [Step]
    let box: BoxForm
    var files: FileManager { .default }

    /// - Parameters:
    ///   - directory: one part's own, in the box's state directory.
    ///   - settings: the form of the settings that this version reads.
    package init(directory: String, version: String, steps: [Step] = StateSchema.steps, settings: Int = 1) {
        (self.directory, self.steps) = (directory, steps)
        let parent = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? "."
        box = BoxForm(
            state: parent, version: version, form: steps.last?.to ?? Self.current, settings: settings)
    }

    private var current: Int { box.form }

    /// Brings the directory to this version's form; ``serves()`` must follow once the process is ready, and ``commit()`` until it is
    /// true.
    /// - Returns: what there is to tell: that a newer version's data was put aside.
    /// - Throws: `state.newer`, `state.no-room` or `state.not-plain` before anything is touched; `state.not-migrated` when a step
    ///   fails: all is as it was then; `state.not-restored` when it is not.
    @discardableResult
    package func prepare() throws(Problem) -> Problem? {
        var found = try number(in: "schema") ?? 1
        guard found <= current else { throw newer() }
        box.beginAnew(in: directory)
        var notice: Problem?
        if let pending = try number(in: "schema.pending") {
            let next = try number(in: "schema.next")
            if pending <= found {
                unlink("\(directory)/schema.pending")
            } else if let next, try box.decided >= next {
                guard next <= current else { throw newer() }
                if try commit() { found = next }
            } else if let next, next == current {
                // Nobody has decided yet. What came meanwhile is in the new form, and stays.
                found = next
            } else {
                notice = try takeBack(pending, isDone: next != nil)
            }
        }
        if access("\(directory)/schema.pending", F_OK) != 0 { forgetCopies(now: .now) }
        if found < current { try migrate(from: found) }
        return notice
    }

    private func migrate(from form: Int) throws(Problem) {
        let due = steps.filter { $0.to > form }
        try requirePlainFiles()
        try requireRoom(copies: due.count)
        do {
            unlink("\(directory)/schema.next")
            for step in due {
                let copy = "\(directory)/before-schema-\(step.to)"
                try? files.removeItem(atPath: copy)
                try? files.removeItem(atPath: "\(copy).new")
                try copyData(to: "\(copy).new")
                guard rename("\(copy).new", copy) == 0 else { throw POSIXError(.EIO) }
                sync()
                if access("\(directory)/schema.pending", F_OK) != 0 { try write("\(step.to)", to: "schema.pending") }
                try step.migrate(directory)
            }
            sync()
            try write("\(current)", to: "schema.next")
        } catch {
            // What a step said stays out: it may hold what was in the files.
            if let pending = try number(in: "schema.pending") { try takeBack(pending, isDone: false) }
            // Half a copy would fill a disk that is full already.
            for step in steps { try? files.removeItem(atPath: "\(directory)/before-schema-\(step.to).new") }
            throw Problem(
                code: "state.not-migrated",
                sentence: "The data in \(directory) could not be carried over to this version; it is as it was before.",
                remedy: "See that the disk has room, or install the former version again.")
        }
    }

    /// The process is ready: says so to whoever decides for the box, and decides itself where it can (a box of one user).
    /// - Throws: `state.not-migrated` when the disk takes nothing; to be tried again.
    package func serves() throws(Problem) {
        guard box.serves(in: directory) else { throw unwritable() }
        // Only where all parts belong to one user does this see the others.
        if (try? box.hasServed()) == true { try? box.decide() }
    }

    /// Makes the new form the truth once the box has settled on it.
    /// - Returns: false while it has not.
    package func commit() throws(Problem) -> Bool {
        guard access("\(directory)/schema.pending", F_OK) == 0 else { return true }
        guard let next = try number(in: "schema.next") else { return false }
        guard try box.decided >= next else { return false }
        // First who wrote it, for an older version's refusal. The number decides; a pending note beside it means nothing more.
        try? write(box.version, to: "schema.writer")
        sync()
        guard rename("\(directory)/schema.next", "\(directory)/schema") == 0 else { throw unwritable() }
        sync()
        unlink("\(directory)/schema.pending")
        forgetRecordsInCopies()
        return true
    }

    // MARK: - Numbers

    func number(in name: String) throws(Problem) -> Int? { try Self.number(at: "\(directory)/\(name)") }

    static func number(at path: String) throws(Problem) -> Int? {
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

    private func unwritable() -> Problem {
        Problem(
            code: "state.not-migrated", sentence: "The data in \(directory) cannot be written to.",
            remedy: "See that the disk has room and is not read-only.")
    }

    private static func unreadable(_ path: String) -> Problem {
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
                + "\(writer.map { "SIPCall \($0)" } ?? "a newer SIPCall"); this one is \(box.version).",
            remedy: "Install that version again, or restore the copy before-schema-\(current + 1) beside the data.")
    }
}
