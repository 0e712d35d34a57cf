import FoundationEssentials
import Glibc
import Wire

/// Copies of what the web process kept before a newer version carried it over: what is erased must be gone there, too.
///
/// They are made and restored by `StateSchema`, whose names these are.
struct FormerState {
    private static let copies = ["before-schema-", "restoring-schema-", "undone-schema-"]
    private static let notes = ["schema.next", "schema.pending", "served", "served.next"]

    /// The web process's own directory.
    let directory: String

    /// Whether a name belongs to a copy, or to how far a step has got: no data of this version.
    static func isOf(_ name: String) -> Bool {
        notes.contains(name) || copies.contains { name.hasPrefix($0) }
    }

    /// Whether the copy may still be put back, and what was erased with it.
    var isUndecided: Bool { access("\(directory)/schema.pending", F_OK) == 0 }

    /// - Throws: `privacy.copies-stay`.
    func forget() throws(Problem) {
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: directory)) ?? []
        where Self.copies.contains(where: { name.hasPrefix($0) }) {
            do { try files.removeItem(atPath: "\(directory)/\(name)") } catch {
                guard access("\(directory)/\(name)", F_OK) != 0 else { throw Self.copiesStay }
            }
        }
    }

    static let undecided = Problem(
        code: "privacy.undecided",
        sentence: "A new version was installed that has not settled, and a copy of the data before it could still "
            + "be put back: what is erased now would come back with it.",
        remedy: "See that core and web both run (sipcall status), or install the former version again; then erase.")
    private static let copiesStay = Problem(
        code: "privacy.copies-stay",
        sentence: "It was erased, but copies from before an upgrade, which have it still, could not be removed.",
        remedy: "Remove before-schema-* and undone-schema-* in /var/lib/sipcall/web, or see that the disk is not "
            + "read-only and erase again.")
}
