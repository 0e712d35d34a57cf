import Wire

/// What can go wrong with signing in and with what people may do.
enum PeopleProblem {
    static let codeNeeded = Problem(
        code: "web.code-needed", sentence: "This account asks for a one-time password.",
        remedy: "Enter the six digits that your authenticator app shows, or one of your recovery codes.")
    static let outOfScope = Problem(
        code: "web.out-of-scope", sentence: "The API token's scopes do not include this.",
        remedy: "Make a token with the scope that this address names.")
    static let usedTwice = Problem(
        code: "web.session-used-twice",
        sentence: "The session has ended, because its cookie was used in a second place.",
        remedy: "Sign in again; if nobody else uses this browser, change your password as well.")

    static let notFresh = Problem(
        code: "session.not-fresh", sentence: "This asks for your password once more: it was last given too long ago.",
        remedy: "Give it, and do the same again within ten minutes.")
    static let personNeeded = Problem(
        code: "session.person-needed", sentence: "This is for a person who has just given their password.",
        remedy: "Sign in on the page and do it there; no API token will do.")
}
