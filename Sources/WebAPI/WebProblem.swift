import Wire

/// What can go wrong between a browser and the web process itself.
enum WebProblem {
    static let notSignedIn = Problem(
        code: "web.not-signed-in", sentence: "You are not signed in.", remedy: "Sign in and try again.")
    static let wrongPassword = Problem(
        code: "web.wrong-password", sentence: "The name, the password or the code is wrong.",
        remedy: "Check them and enter them again.")
    static let tooManySignIns = Problem(
        code: "web.too-many-sign-ins", sentence: "There were too many attempts to sign in.",
        remedy: "Wait a little and try again.")
    static let otherOrigin = Problem(
        code: "web.other-origin", sentence: "The request came from a page of another site.",
        remedy: "Open the box's own address; behind a reverse proxy, let it pass the Host header on.")
    static let notFound = Problem(code: "web.not-found", sentence: "There is nothing at this address.")
    static let methodNotAllowed = Problem(
        code: "web.method-not-allowed", sentence: "This address does not answer to that method.")
    static let bodyTooLarge = Problem(
        code: "web.body-too-large", sentence: "The request is larger than 16 KiB.")
    static let notJSON = Problem(
        code: "web.not-json", sentence: "The request is not the JSON that this address expects.")
    static let badQuery = Problem(
        code: "web.bad-query", sentence: "The query of this address is not understood.",
        remedy: "Known: limit (1 to 200), after, from, until, direction, outcome, user, number and text.")
    static let badTotalsQuery = Problem(
        code: "web.bad-totals-query", sentence: "The query of this address is not understood.",
        remedy: "Known: from and until, which are needed, and hours of a step; at most 8,784 steps.")
    static let badVerifyQuery = Problem(
        code: "web.bad-verify-query", sentence: "The query of this address is not understood.",
        remedy: "Known: part (ledger, keys, audit) and head (number:hash), each as often as needed.")
    static let upgradeNeeded = Problem(
        code: "web.upgrade-needed", sentence: "This address is for WebSocket connections of version 13 only.")
    static let tooManyPhones = Problem(
        code: "web.too-many-phones", sentence: "Too many pages are open on this box.", remedy: "Close some of them.")
    static let internalError = Problem(
        code: "web.internal-error", sentence: "The box could not answer because of a fault of its own.",
        remedy: "Read the journal of sipcall-web and report what it says.")
    static let unexpectedReply = Problem(
        code: "core.unexpected-reply", sentence: "The telephone part of the box gave an answer that makes no sense.",
        remedy: "Check that sipcall-core and sipcall-web are of the same version.")

    static func portInUse(_ address: NetworkAddress) -> Problem {
        Problem(
            code: "web.port-in-use", sentence: "The web server cannot use \(address): another program listens there.",
            remedy: "Stop the other program or change web.listen in the configuration.")
    }

    static func cannotListen(_ address: NetworkAddress, why: String) -> Problem {
        Problem(
            code: "web.cannot-listen", sentence: "The web server cannot use \(address): \(why).",
            remedy: "Change web.listen in the configuration.")
    }

    static let noHandover = Problem(
        code: "web.no-handover",
        sentence: "What the web process keeps could not be copied for the backup; nothing was changed.",
        remedy: "See that the disk has room for one more copy of the ledger and is not read-only.")

    static func operatorSocket(_ path: String, why: String) -> Problem {
        Problem(
            code: "web.operator-socket", sentence: "The commands' socket \(path) cannot be opened: \(why).",
            remedy: "Check that its directory exists and that the web process may write to it.")
    }

    static let notOperator = Problem(
        code: "web.not-operator", sentence: "This user may not ask the web process.",
        remedy: "Use the user that runs it, or root.")
    static let badAuditQuery = Problem(
        code: "web.bad-audit-query", sentence: "The query of the audit log is not understood.",
        remedy: "Known: limit (1 to 200) and below.")
    static let badPerson = Problem(
        code: "privacy.nobody", sentence: "The request names neither a telephone number nor a user.",
        remedy: "Send one of the two: number, of at most 64 characters, or user.")
    static let noAnswer = Problem(
        code: "web.no-answer", sentence: "The web process of the box gave no answer, or not all of it.",
        remedy: "Try again; if it goes on, look at the journal of sipcall-web.")
    static let otherVersion = Problem(
        code: "web.other-version", sentence: "The web process gave an answer that this command does not understand.",
        remedy: "Restart sipcall-web: it is of another version.")

    static let noHTTPS = Problem(
        code: "web.no-https", sentence: "The page has no https here: another program holds port 443.",
        remedy: "Stop that program and restart sipcall-web.socket, or open the page through it.")

    static func doesNotServe(why: String) -> Problem {
        Problem(
            code: "web.does-not-serve", sentence: "The web process does not serve its own page: \(why).",
            remedy: "Read the journal of sipcall-web for what came before.")
    }

    static func certificateFile(_ path: String, why: String) -> Problem {
        Problem(
            code: "web.certificate-file", sentence: "The certificate of the page cannot be kept in \(path): \(why).",
            remedy: "Check the disk, and that the directory belongs to the user of the web process.")
    }

    static func pageMissing(_ path: String, why: String) -> Problem {
        Problem(
            code: "web.page-missing", sentence: "The page's files in \(path) cannot be read: \(why).",
            remedy: "Install the package again or correct web.www in the configuration.")
    }
}
