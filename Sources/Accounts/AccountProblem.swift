package import Wire

/// What can go wrong with accounts, sessions and tokens.
package enum AccountProblem {
    package static let passwordTooShort = Problem(
        code: "account.password-too-short", sentence: "The password has to have 8 to 1,024 bytes.",
        remedy: "Choose a longer one: four words that do not belong together are good and easy to remember.")
    static let noMemory = Problem(
        code: "account.no-memory", sentence: "The box has no memory left to compute the password's hash.",
        remedy: "Try again; sipcall doctor shows what uses the memory.")
    package static let nameTaken = Problem(
        code: "account.name-taken", sentence: "There is an account of this name already.",
        remedy: "Choose another name.")
    package static let tooManyAccounts = Problem(
        code: "account.too-many", sentence: "The box has as many accounts as it may have.",
        remedy: "Remove one that is not used any more.")
    package static let claimed = Problem(
        code: "setup.claimed", sentence: "The box has an owner already.",
        remedy: "Sign in; if that was not you, set a new password on the box: sudo sipcall user password")
    package static let badName = Problem(
        code: "account.bad-name",
        sentence: "A user name has 1 to 64 small letters a to z, digits, dots, hyphens or underscores.",
        remedy: "Choose another name; it begins with a letter or a digit.")
    package static let unknown = Problem(
        code: "account.unknown", sentence: "There is no account of this name.", remedy: "See the list of accounts.")
    package static let lastOwner = Problem(
        code: "account.last-owner", sentence: "This is the only owner of the box.",
        remedy: "Make somebody else an owner first.")
    package static let notAllowed = Problem(
        code: "account.not-allowed", sentence: "Your role does not include this.", remedy: "Ask an owner of the box.")
    package static let invitationUsed = Problem(
        code: "account.invitation-used",
        sentence: "This invitation has been used, withdrawn, or is older than it may be.",
        remedy: "Ask for a new link.")
    package static let tokenName = Problem(
        code: "account.token-name", sentence: "The token needs a name of 1 to 64 characters.",
        remedy: "Name what it is for.")
    package static let tooManyTokens = Problem(
        code: "account.too-many-tokens", sentence: "This account has as many API tokens as it may have.",
        remedy: "Withdraw one that is not used any more.")

    package static let nameRetired = Problem(
        code: "account.name-retired",
        sentence: "Somebody who has left had this name, and their calls are kept under it.",
        remedy: "Choose another name, or have everything about the former user erased first.")
    package static let factorNotBegun = Problem(
        code: "account.second-factor-not-begun", sentence: "No one-time passwords are being set up for this account.",
        remedy: "Begin anew: the secret on the page is good for a quarter of an hour.")
    package static let wrongCode = Problem(
        code: "account.wrong-code", sentence: "The app's code is not the one that this secret gives now.",
        remedy: "Enter the six digits that the app shows at this moment; check that its clock and the box's are right.")

    static func file(_ path: String, why: String) -> Problem {
        Problem(
            code: "account.file", sentence: "The accounts in \(path) are of no use: \(why).",
            remedy: "Restore the file from a backup; it was not changed. Calls go on meanwhile.")
    }
}
