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
    private static let challengePath = "/api/v1/certificate/challenges/"

    /// Everything at and below `/api/v1/certificate`.
    func answerCertificate(_ request: Request, _ context: WebContext) async throws -> Response {
        let path = request.uri.path
        switch (request.method, path) {
        case (.get, "/api/v1/certificate"):
            _ = try requireOwner(request, context)
            return try json(try certificateState())
        case (.put, "/api/v1/certificate"): return try await useCertificate(request, context)
        case (.delete, "/api/v1/certificate"): return try await removeCertificate(request, context)
        case (_, "/api/v1/certificate"): throw methodNotAllowed("GET, PUT, DELETE")
        case (.put, _) where path.hasPrefix(Self.challengePath):
            return try await putChallenge(request, context, token: String(path.dropFirst(Self.challengePath.count)))
        case (.delete, _) where path.hasPrefix(Self.challengePath):
            try requireRoot(context)
            challenges.remove(String(path.dropFirst(Self.challengePath.count)))
            return Response(status: .noContent)
        case (_, _) where path.hasPrefix(Self.challengePath): throw methodNotAllowed("PUT, DELETE")
        default: throw Refusal(.notFound, WebProblem.notFound)
        }
    }

    private func certificateState() throws -> CertificateState {
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        let given = certificate.certificate
        return CertificateState(
            isOwn: given == nil, isVouchedFor: certificate.isVouchedFor, names: given?.names ?? [],
            issuer: given?.issuer ?? "", end: Int64(certificate.end.timeIntervalSince1970.rounded(.down)),
            sha256: certificate.fingerprint)
    }

    private func useCertificate(_ request: Request, _ context: WebContext) async throws -> Response {
        try requireOwnPage(request)
        let name = try requireOwner(request, context)
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        // In JSON each line break takes two bytes.
        let body = try await request.body.collect(upTo: GivenCertificate.largest * 9 / 8)
        guard let gift = try? JSONDecoder().decode(CertificateGift.self, from: Data(body.readableBytesView)) else {
            throw Refusal(.badRequest, WebProblem.notJSON)
        }
        let given: GivenCertificate
        do throws(Problem) {
            given = try GivenCertificate(chain: gift.chain, key: gift.key)
        } catch {
            throw Refusal(.unprocessableContent, error)
        }
        try await certificate.use(given)
        await trail.note(
            .settingsChange, by: name, "certificate: \(given.names.joined(separator: " ")), by \(given.issuer)")
        return try json(try certificateState())
    }

    private func removeCertificate(_ request: Request, _ context: WebContext) async throws -> Response {
        try requireOwnPage(request)
        let name = try requireOwner(request, context)
        guard let certificate else { throw Refusal(.conflict, CertificateProblem.notServed) }
        try certificate.removeGiven()
        await trail.note(.settingsChange, by: name, "certificate: the box's own")
        return try json(try certificateState())
    }

    private func putChallenge(
        _ request: Request, _ context: WebContext, token: String
    ) async throws -> Response {
        try requireRoot(context)
        let body = try await request.body.collect(upTo: Self.largestBody)
        guard let answer = try? JSONDecoder().decode(ChallengeAnswer.self, from: Data(body.readableBytesView)) else {
            throw Refusal(.badRequest, WebProblem.notJSON)
        }
        do throws(Problem) {
            try challenges.put(token, answer.authorization)
        } catch {
            throw Refusal(.unprocessableContent, error)
        }
        return Response(status: .noContent)
    }

    /// - Returns: who asks, for the audit log.
    private func requireOwner(_ request: Request, _ context: WebContext) throws -> String {
        let asker = try asker(request, context)
        guard asker.user == Self.adminUser else { throw Refusal(.forbidden, WebProblem.ownerOnly) }
        return asker.name
    }

    /// An answer to a challenge gets whoever can write it a certificate for the box's name.
    private func requireRoot(_ context: WebContext) throws {
        guard context.operatingUser?.isPrivileged == true else { throw Refusal(.forbidden, WebProblem.notOperator) }
    }
}
