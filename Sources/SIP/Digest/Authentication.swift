import SIPMessage
import Wire

/// What one request and its successors know about being asked for credentials (RFC 3261 §22).
///
/// A right answer that is refused means a wrong password: a challenge is answered once, and once more only if the
/// server says that merely the nonce had grown stale. A registrar and a proxy on the way may both ask.
struct Authentication: Hashable, Sendable, Codable {
    private struct Asker: Hashable, Sendable, Codable {
        var answerer = DigestAnswerer()
        /// Answers given since the last success.
        var answers = 0

        mutating func received(_ challenge: DigestChallenge) -> Bool {
            guard answers == 0 || (answers == 1 && challenge.isStale) else {
                answerer.forget()
                return false
            }
            answers += 1
            answerer.received(challenge)
            return true
        }
    }

    /// 401, `WWW-Authenticate`, `Authorization`.
    private var server = Asker()
    /// 407, `Proxy-Authenticate`, `Proxy-Authorization`.
    private var proxy = Asker()

    /// The realm of the last challenge answered.
    var realm: String? { server.answerer.challenge?.realm ?? proxy.answerer.challenge?.realm }

    /// - Parameters:
    ///   - response: a 401 or 407.
    ///   - mayAnswer: whether the trunk's password may be used in this realm.
    /// - Returns: whether the request is to be sent again with `credentials`.
    mutating func receivedChallenge(_ status: Int, _ challenges: [Challenge], mayAnswer: (String) -> Bool) -> Bool {
        guard let challenge = DigestChallenge.strongest(of: challenges), mayAnswer(challenge.realm) else {
            return false
        }
        return status == 407 ? proxy.received(challenge) : server.received(challenge)
    }

    /// The server was content: its next challenge is a new one.
    mutating func succeeded() {
        server.answers = 0
        proxy.answers = 0
    }

    /// The password was refused: the next request starts without credentials.
    mutating func forget() {
        self = Authentication()
    }

    /// The header fields that prove who we are, for every server that has asked so far.
    mutating func credentials(
        of trunk: Trunk, method: SIPMethod, uri: String, using generator: inout some RandomNumberGenerator
    ) -> [SIPHeaders.Field] {
        let user = trunk.authUser ?? trunk.user
        let password = trunk.password.revealed
        var fields: [SIPHeaders.Field] = []
        if let answer = server.answerer.credentials(
            user: user, password: password, method: method, uri: uri, using: &generator)
        {
            fields.append(SIPHeaders.Field(.authorization, answer.credentials.text))
        }
        if let answer = proxy.answerer.credentials(
            user: user, password: password, method: method, uri: uri, using: &generator)
        {
            fields.append(SIPHeaders.Field(.proxyAuthorization, answer.credentials.text))
        }
        return fields
    }
}
