package import Wire

/// What can go wrong with the control socket itself.
package enum ControlProblem {
    package static let unreachable = Problem(
        code: "core.unreachable", sentence: "The telephone part of the box is not running at the moment.",
        remedy: "Wait a few seconds; if it goes on, look at the journal of sipcall-core.")
    package static let silent = Problem(
        code: "core.no-reply", sentence: "The telephone part of the box did not reply for 10 seconds.",
        remedy: "Try again; if it goes on, look at the journal of sipcall-core.")
    package static let overloaded = Problem(
        code: "core.overloaded", sentence: "The telephone part of the box has too much to do.",
        remedy: "Try again in a few seconds.")
    package static let webOnly = Problem(
        code: "control.web-only",
        sentence: "Only the web process may hand over the ledger's key and what was chosen, and take records.",
        remedy: "Leave it to sipcall-web, which has a socket of its own for it.")
    package static let unclaimed = Problem(
        code: "setup.unclaimed", sentence: "The box is new: it waits to be claimed by its owner.",
        remedy: "Open the link that this command shows on the box: sudo sipcall setup-url")
    package static let tooLarge = Problem(
        code: "core.message-too-large", sentence: "A message for the telephone part of the box was too large.")

    static func alreadyRunning(_ path: String) -> Problem {
        Problem(
            code: "control.already-running", sentence: "Another core already listens on the control socket \(path).",
            remedy: "Stop the other one, or give this one a state directory of its own.")
    }

    static func cannotListen(_ path: String, why: String) -> Problem {
        Problem(
            code: "control.cannot-listen", sentence: "The control socket \(path) cannot be opened: \(why).",
            remedy: "Check that the directory exists, that this user may write to it and that its path is short.")
    }
}
