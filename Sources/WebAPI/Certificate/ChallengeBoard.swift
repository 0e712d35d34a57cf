import Synchronization
import Wire

/// The answers that an ACME server fetches from port 80 to see that the names are this box's (RFC 8555 §8.3).
final class ChallengeBoard: Sendable {
    static let path = "/.well-known/acme-challenge/"
    /// One for each name of a certificate, and some of a run before that was cut off.
    private static let most = 64
    /// A server that has not come by then does not come any more.
    private static let lifetime: Duration = .seconds(3600)

    private struct Answer {
        var authorization: String
        var since: MonotonicTime
    }

    private let answers = Mutex<[String: Answer]>([:])

    /// - Parameters:
    ///   - token: base64url, at most 128 characters.
    ///   - authorization: the token, a dot and the thumbprint of the account's key (RFC 8555 §8.1).
    /// - Throws: `certificate.bad-challenge`.
    func put(_ token: String, _ authorization: String, now: MonotonicTime = .now()) throws(Problem) {
        let parts = authorization.split(separator: ".", omittingEmptySubsequences: false)
        guard Self.isToken(token), parts.count == 2, parts[0] == token, Self.isToken(parts[1]) else {
            throw CertificateProblem.badChallenge
        }
        answers.withLock { answers in
            answers = answers.filter { now - $0.value.since < Self.lifetime }
            if answers.count >= Self.most, let oldest = answers.min(by: { $0.value.since < $1.value.since }) {
                answers[oldest.key] = nil
            }
            answers[token] = Answer(authorization: authorization, since: now)
        }
    }

    func remove(_ token: String) {
        answers.withLock { $0[token] = nil }
    }

    /// - Parameter uri: of the request.
    /// - Returns: nil for any other place, and for a challenge that is not known.
    func answer(to uri: String, now: MonotonicTime = .now()) -> String? {
        guard uri.hasPrefix(Self.path) else { return nil }
        let token = String(uri.dropFirst(Self.path.count))
        return answers.withLock { answers in
            answers[token].flatMap { now - $0.since < Self.lifetime ? $0.authorization : nil }
        }
    }

    private static func isToken(_ text: some StringProtocol) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
