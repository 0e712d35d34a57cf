import Wire

/// What can go wrong with claiming a box; that it is not claimed is `ControlProblem.unclaimed`.
enum SetupProblem {
    static let wrongToken = Problem(
        code: "setup.wrong-token", sentence: "This is not the box's set-up token.",
        remedy: "Use the newest one: every new one ends those before. The box shows one with: sudo sipcall setup-url")
    static let tokenEnded = Problem(
        code: "setup.token-ended",
        sentence: "The set-up token is good no more: it is older than a day, or a wrong one was tried too often.",
        remedy: "Make a new one on the box with: sudo sipcall setup-url")
    static let tokenBurnt = Problem(
        code: "setup.token-burnt",
        sentence: "A wrong set-up token was given ten times: the right one is good no more.",
        remedy: "Make a new one with: sudo sipcall setup-url. If that was not you, claim the box without the page: "
            + "sudo sipcall user password")
    static let ownerFirst = Problem(
        code: "setup.owner-first", sentence: "The first account of a box is its owner's.",
        remedy: "Make it with: sudo sipcall user add NAME --role owner")

    static func note(_ path: String, why: String) -> Problem {
        Problem(
            code: "setup.note", sentence: "The set-up token cannot be left in \(path): \(why).",
            remedy: "Check the disk; meanwhile the token stands in the journal and is shown by: sudo sipcall setup-url")
    }
}
