import Foundation
import Ledger
package import Sealing
package import Wire

/// A backup on its way into a box: unpacked and proven beside the box's own directories, which nothing here touches before
/// ``DirectorySwap`` does.
package struct Restoration {
    /// Where things belong on this machine.
    package struct Places: Sendable {
        package var state: String
        /// Names below `settings/` in the backup, and where they go; `""`: the whole folder.
        package var settings: [String: String]
        /// The folder of credentials; nil: this box has none.
        package var credentials: String?

        package init(state: String, settings: [String: String], credentials: String?) {
            (self.state, self.settings, self.credentials) = (state, settings, credentials)
        }
    }

    package static let noErasureList = Problem(
        code: "restore.no-erasure-list",
        sentence: "The list of what was erased since this backup is not beside it; nothing was changed.",
        remedy: "Put the file erasures from the backups' directory beside it, name it with --erasures, or add --force.")

    package let proven: BackupArchive.Proven
    private let scratch: String
    private let places: Places

    private var ledger: String { "\(scratch)/web/ledger" }

    /// The accounts that were unpacked, if there are any.
    package var accounts: String? {
        let file = "\(scratch)/web/accounts.sqlite"
        return FileTree.exists(file) ? file : nil
    }

    /// Unpacks and proves.
    package init(_ file: String, key: RecoveryKey, places: Places) throws(Problem) {
        self.places = places
        scratch = "\(places.state)/.restore"
        try FileTree.makeEmpty(scratch)
        do throws(Problem) {
            proven = try BackupArchive.unpack(file, key: key, into: scratch)
        } catch {
            FileTree.remove(scratch)
            throw error
        }
    }

    /// Removes what was unpacked, unless an exchange that was cut short still needs it.
    package func discard() { Self.discard(in: places.state) }

    package static func discard(in state: String) {
        guard !FileTree.exists(DirectorySwap.note(in: state)) else { return }
        FileTree.remove("\(state)/.restore")
    }

    /// Looks for the lists of what was erased since, and changes nothing: to be called before anything is stopped.
    ///
    /// - Parameters:
    ///   - given: a list that has to be used.
    ///   - found: where others may lie.
    ///   - isForced: goes on with what the backup knows.
    /// - Returns: all that fit; what any of them has is erased.
    /// - Throws: `restore.no-erasure-list`, `ledger.erasures-damaged` for a given one of another box.
    package func erasureLists(given: String?, found: [String], isForced: Bool) throws(Problem) -> [String] {
        let all = [given].compactMap { $0 } + found
        let fitting = try UnpackedLedger.fitting(all, ledger: ledger, keyring: proven.masterKeyring)
        if let given, !fitting.contains(given) { throw UnpackedLedger.erasuresDamaged }
        guard !fitting.isEmpty || isForced else { throw Self.noErasureList }
        return fitting
    }

    /// Removes what was erased since.
    package func replayErasures(from lists: [String]) async throws(Problem) {
        try await UnpackedLedger.replayErasures(from: lists, ledger: ledger, keyring: proven.masterKeyring)
    }

    /// The box has an owner: without the mark its core would open no port. Backups of a version that knew none have none.
    package func markClaimed() throws(Problem) {
        try FileTree.makeDirectory("\(scratch)/core")
        try FileTree.write(Array("claimed\n".utf8), to: "\(scratch)/core/claimed")
    }

    /// What the whole box had settled on was about the data before: it is decided anew when every part has served with this one.
    static func forgetDecision(in state: String) {
        for name in ["settled", "schema"] { FileTree.remove("\(state)/\(name)") }
        FileTree.synchronise(directoryOf: "\(state)/schema")
    }

    /// Puts everything in its place.
    ///
    /// - Parameters:
    ///   - owners: of `web` and `core`; nil: whoever runs this.
    ///   - stamp: names what is replaced.
    /// - Returns: where the former state lies; nil if there was none.
    /// - Throws: before the note is written nothing was changed; see ``DirectorySwap``.
    package func carryOut(
        owners: (web: (user: UInt32, group: UInt32), core: (user: UInt32, group: UInt32))?, stamp: String
    ) throws(Problem) -> String? {
        try FileTree.write(proven.masterKeyring.file.revealed, to: "\(scratch)/web/master.key")
        if let owners {
            try FileTree.give("\(scratch)/web", to: owners.web)
            try FileTree.give("\(scratch)/core", to: owners.core)
        }
        let kept = "\(places.state)/replaced-\(stamp)"
        let isUsed = FileTree.exists("\(places.state)/web") || FileTree.exists("\(places.state)/core")
        if isUsed { try FileTree.makeDirectory(kept) }
        var items = ["web", "core"].map {
            DirectorySwap.Item(new: "\(scratch)/\($0)", target: "\(places.state)/\($0)", kept: "\(kept)/\($0)")
        }
        for (name, target) in places.settings.sorted(by: { $0.key < $1.key }) {
            let source = name.isEmpty ? "\(scratch)/settings" : "\(scratch)/settings/\(name)"
            if let item = try item(source, target, stamp) { items.append(item) }
        }
        if let folder = places.credentials {
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: "\(scratch)/credentials")) ?? [])
                .sorted()
            // A new machine has none yet.
            if !names.isEmpty { try FileTree.makeDirectory(folder) }
            for name in names {
                if let item = try item("\(scratch)/credentials/\(name)", "\(folder)/\(name)", stamp) {
                    items.append(item)
                }
            }
        }
        FileTree.synchroniseAll()
        try DirectorySwap(items).carryOut(in: places.state)
        discard()
        return isUsed ? kept : nil
    }

    /// Beside its target first, which may be on another file system.
    private func item(_ source: String, _ target: String, _ stamp: String) throws(Problem) -> DirectorySwap.Item? {
        guard FileTree.exists(source) else { return nil }
        let new = "\(target).restored"
        FileTree.remove(new)
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory), isDirectory.boolValue {
            _ = try FileTree.copy(source, to: new, deep: true)
        } else {
            try FileTree.copyFile(source, to: new)
        }
        return DirectorySwap.Item(new: new, target: target, kept: "\(target).before-\(stamp)")
    }
}
