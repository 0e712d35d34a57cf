import Foundation
package import Wire

/// Puts what was restored in the place of what is there, so that a crash at any point can be made good.
///
/// The note is written first, durably; then each item goes through
/// ```
///   target, new        rename target → kept        new             rename new → target       target, kept
/// ```
/// and each state tells by itself how far it came. While the note is there the box does not start: half of it would be old.
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

    /// - Throws: `backup.cannot-write`; after the note is written, ``finish(_:)`` has to be called again.
    package func carryOut(in state: String) throws(Problem) {
        guard let data = try? JSONEncoder().encode(self) else {
            throw BackupProblem.cannotWrite(Self.note(in: state), "it makes no sense")
        }
        try FileTree.write(Array(data), to: Self.note(in: state), mode: 0o644)
        _ = try Self.finish(state)
    }

    /// - Returns: false when nothing was under way.
    package static func finish(_ state: String) throws(Problem) -> Bool {
        let note = note(in: state)
        guard FileTree.exists(note) else { return false }
        guard let data = try? Data(contentsOf: URL(filePath: note)),
            let swap = try? JSONDecoder().decode(DirectorySwap.self, from: data)
        else { throw BackupProblem.cannotWrite(note, "it cannot be read") }
        for item in swap.items where FileTree.exists(item.new) {
            if FileTree.exists(item.target) { try move(item.target, to: item.kept) }
            try move(item.new, to: item.target)
        }
        guard unlink(note) == 0 else { throw BackupProblem.cannotWrite(note, ChildPipeline.message(errno)) }
        FileTree.synchronise(directoryOf: note)
        return true
    }

    private static func move(_ path: String, to other: String) throws(Problem) {
        guard rename(path, other) == 0 else { throw BackupProblem.cannotWrite(other, ChildPipeline.message(errno)) }
        FileTree.synchronise(directoryOf: path)
        FileTree.synchronise(directoryOf: other)
    }
}
