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
}
