import Glibc
package import Wire

/// On which form of its state the whole box has settled: one decision for all parts, which see nothing of each other.
///
///     STATE/PART/served   "VERSION FORM SETTINGS", from the part itself: so it has been ready
///     STATE/schema        the decision: data in this form is not taken back any more
///     STATE/settled       the same line: for this version nothing is left to decide
///
/// Whoever may look into all directories decides once every part has served: root on an installed box (`sipcall settle`, which
/// sipcall-settle.service runs), each process itself where all belong to one user. Until then a version that does not know the form
/// takes it back everywhere, and after it nowhere.
package struct BoxForm: Sendable {
    package static let parts = ["core", "web"]

    private let state: String
    let version: String
    let form: Int
    private let settings: Int

    package init(state: String, version: String, form: Int, settings: Int) {
        (self.state, self.version, self.form, self.settings) = (state, version, form, settings)
    }

    private var line: String { "\(version) \(form) \(settings)\n" }

    private func says(_ path: String) -> Bool { SmallFile.text(path, atMost: 256) == line }

    // MARK: - A part

    /// That it has served counts anew for each start until the box has settled.
    func beginAnew(in directory: String) {
        guard !says("\(state)/settled") else { return }
        unlink("\(directory)/served")
        // A disk that is full when the process is ready must not be able to prevent it.
        _ = SmallFile.replace("\(directory)/served.next", with: Array(line.utf8), durable: false)
    }

    func serves(in directory: String) -> Bool {
        let (note, next) = ("\(directory)/served", "\(directory)/served.next")
        if says(note) {
            unlink(next)
            return true
        }
        if says(next), rename(next, note) == 0 { return true }
        return SmallFile.replace(note, with: Array(line.utf8), durable: false)
    }

    /// The form that the box has settled on; 1 when nothing was ever decided.
    var decided: Int {
        get throws(Problem) { try StateSchema.number(at: "\(state)/schema") ?? 1 }
    }

    // MARK: - The box

    /// Whether every part has served as this version.
    package func hasServed() throws(Problem) -> Bool {
        Self.parts.allSatisfy { says("\(state)/\($0)/served") }
    }

    package var isSettled: Bool { says("\(state)/settled") }

    /// Data in this form is the truth from here on.
    package func decide() throws(Problem) {
        if try decided == form, access("\(state)/schema", F_OK) == 0 { return }
        try write("\(form)\n", to: "schema")
    }

    package func settle() throws(Problem) { try write(line, to: "settled") }

    private func write(_ text: String, to name: String) throws(Problem) {
        guard SmallFile.replace("\(state)/\(name)", with: Array(text.utf8), durable: true, mode: 0o644) else {
            throw Problem(
                code: "state.not-settled",
                sentence: "\(state)/\(name) cannot be written: the box has not settled on the new form of its data.",
                remedy: "See that the disk has room and is not read-only, then run: sipcall settle")
        }
    }
}
