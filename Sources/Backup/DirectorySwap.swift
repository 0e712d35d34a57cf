import Foundation
package import Wire

/// Puts what was restored in the place of what is there, so that a crash at any point can be made good.
///
/// The note is written first, durably; then each item goes through
/// ```
///   target, new        rename target → kept        new             rename new → target       target, kept
/// ```
/// and each state tells by itself how far it came. While the note is there the box does not start: half of it would be old.
/// A rename that is refused has all of them taken back.
/// ``finish(_:)`` goes on where it was broken off, as often as it takes.
package struct DirectorySwap: Codable, Sendable {
    package struct Item: Codable, Sendable {
        package var new: String
        package var target: String
        /// Where the former one lies afterwards.
        package var kept: String

        /// - Parameter new: on the same file system as the target.
        package init(new: String, target: String, kept: String) {
            (self.new, self.target, self.kept) = (new, target, kept)
        }
    }

    package static func note(in state: String) -> String { "\(state)/restore-under-way" }

    package var items: [Item]

    package init(_ items: [Item]) {
        self.items = items
    }

    /// - Throws: `restore.not-exchanged` when a rename is refused (a mounted disk, say): everything is as it was then, and the box
    ///   starts; `backup.cannot-write` when not even that could be had back, and ``finish(_:)`` has to be called again.
    package func carryOut(in state: String) throws(Problem) {
        guard let data = try? JSONEncoder().encode(self) else {
            throw BackupProblem.cannotWrite(Self.note(in: state), "it makes no sense")
        }
        try FileTree.write(Array(data), to: Self.note(in: state), mode: 0o644)
        _ = try Self.finish(state)
    }

    /// - Returns: false when nothing was under way.
    /// - Throws: as ``carryOut(in:)`` does.
    package static func finish(_ state: String) throws(Problem) -> Bool {
        let note = note(in: state)
        guard FileTree.exists(note) else { return false }
        guard let data = try? Data(contentsOf: URL(filePath: note)),
            let swap = try? JSONDecoder().decode(DirectorySwap.self, from: data)
        else { throw BackupProblem.cannotWrite(note, "it cannot be read") }
        do throws(Problem) {
            for item in swap.items { try item.exchange() }
        } catch {
            let refusal = error
            do throws(Problem) {
                for item in swap.items.reversed() { try item.putBack() }
            } catch {
                throw BackupProblem.cannotWrite(note, error.sentence)
            }
            try remove(note)
            throw refusal
        }
        // While the note is there no part starts: none decides between the two.
        Restoration.forgetDecision(in: state)
        try remove(note)
        return true
    }

    private static func remove(_ note: String) throws(Problem) {
        guard unlink(note) == 0 else { throw BackupProblem.cannotWrite(note, ChildPipeline.message(errno)) }
        FileTree.synchronise(directoryOf: note)
    }
}

extension DirectorySwap.Item {
    /// From whatever it had come to.
    fileprivate func exchange() throws(Problem) {
        guard FileTree.exists(new) else { return }
        if FileTree.exists(kept) { try clearTarget() }
        if FileTree.exists(target) { try move(target, to: kept) }
        try move(new, to: target)
    }

    /// The former one in its place again, and the new one where it was.
    fileprivate func putBack() throws(Problem) {
        if !FileTree.exists(new), FileTree.exists(target) { try move(target, to: new) }
        guard FileTree.exists(kept) else { return }
        try clearTarget()
        try move(kept, to: target)
    }

    /// The former one has gone to its place, so that what is there came since: a boot makes the directories that are missing.
    private func clearTarget() throws(Problem) {
        guard FileTree.exists(target), rmdir(target) != 0 else { return }
        // Not empty, or no directory: nothing is thrown away unseen.
        var number = 1
        while FileTree.exists("\(kept).since-\(number)") { number += 1 }
        try move(target, to: "\(kept).since-\(number)")
    }

    private func move(_ path: String, to other: String) throws(Problem) {
        guard rename(path, other) == 0 else { throw BackupProblem.notExchanged(path, ChildPipeline.message(errno)) }
        FileTree.synchronise(directoryOf: path)
        FileTree.synchronise(directoryOf: other)
    }
}
