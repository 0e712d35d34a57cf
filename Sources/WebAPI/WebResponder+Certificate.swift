import FoundationEssentials
import HTTPTypes
import Hummingbird
package import Wire

/// The certificate of the page, as commands and the page's settings show it.
package struct CertificateState: Codable, Sendable {
    /// The box made it itself: browsers ask about it.
    package var isOwn: Bool
    /// Browsers with this machine's list of authorities take it.
    package var isVouchedFor: Bool
    package var names: [String]
    package var issuer: String
    /// Seconds since 1970.
    package var end: Int64
    package var sha256: String
}

/// What is given to the page.
package struct CertificateGift: Codable, Sendable {
    /// PEM, the page's own first.
    package var chain: String
    package var key: Redacted<String>

    package init(chain: String, key: Redacted<String>) {
        (self.chain, self.key) = (chain, key)
    }
}

/// What an ACME server wants to fetch.
package struct ChallengeAnswer: Codable, Sendable {
    package var authorization: String

    package init(authorization: String) {
        self.authorization = authorization
    }
}

extension WebResponder {
    func certificateState() throws -> Response {
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        let given = certificate.certificate
        return try .json(
            CertificateState(
                isOwn: given == nil, isVouchedFor: certificate.isVouchedFor, names: given?.names ?? [],
                issuer: given?.issuer ?? "", end: Int64(certificate.end.timeIntervalSince1970.rounded(.down)),
                sha256: certificate.fingerprint))
    }

    func useCertificate(_ request: Request, _ asker: Asker) async throws -> Response {
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        let gift = try await request.json(as: CertificateGift.self, upTo: GivenCertificate.largestRequest)
        let given: GivenCertificate
        do throws(Problem) {
            given = try GivenCertificate(chain: gift.chain, key: gift.key)
        } catch {
            throw Refusal(.unprocessableContent, error)
        }
        try await certificate.use(given)
        await trail.note(
            .settingsChange, by: asker.name, "certificate: \(given.names.joined(separator: " ")), by \(given.issuer)")
        return try certificateState()
    }

    func removeCertificate(_ asker: Asker) async throws -> Response {
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        try certificate.removeGiven()
        await trail.note(.settingsChange, by: asker.name, "certificate: the box's own")
        return try certificateState()
    }

    func putChallenge(_ exchange: Exchange) async throws -> Response {
        try requireRoot(exchange.context)
        let answer = try await exchange.request.json(as: ChallengeAnswer.self)
        do throws(Problem) {
            try challenges.put(exchange.captures.first ?? "", answer.authorization)
        } catch {
            throw Refusal(.unprocessableContent, error)
        }
        return .done
    }

    func removeChallenge(_ exchange: Exchange) throws -> Response {
        try requireRoot(exchange.context)
        challenges.remove(exchange.captures.first ?? "")
        return .done
    }

    /// Not for members of the group: an answer to a challenge gets whoever can write it a certificate for the box's name, and with
    /// the master key everything could be read elsewhere.
    ///
    /// - Throws: 403.
    @discardableResult
    func requireRoot(_ context: WebContext) throws -> Operator {
        guard let user = context.operatingUser, user.isPrivileged else {
            throw Refusal(.forbidden, WebProblem.notOperator)
        }
        return user
    }
}
