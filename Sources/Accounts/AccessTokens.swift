package import FoundationEssentials
import JWTKit
package import Wire

/// Short proofs of a session for requests: JSON Web Tokens (RFC 7519, the profile of RFC 9068), ES256, good for ten minutes.
///
/// The key lives in this process alone: after a restart each page asks for a new token with its cookie. A token is only
/// as good as its session, its account and the account's epoch are at that moment, so that nothing has to be waited for when
/// somebody is signed out.
package struct AccessTokens: Sendable {
    package static let lifetime = 600.0
    private static let issuer = "sipcall"
    private static let audience = "sipcall-api"
    /// `typ` of the header (RFC 9068 §2.1): tells these from every other token that the same key might sign.
    private static let type = "at+jwt"
    private static let longest = 1024

    private struct Claims: JWTPayload {
        var iss: String
        var aud: String
        var sub: String
        var sid: String
        var role: String
        var epoch: Int64
        var iat: Double
        var exp: Double

        // Against our own clock and by ``AccessTokens/holder(of:now:)``, not JWTKit's.
        func verify(using _: some JWTAlgorithm) {}
    }

    private let keys = JWTKeyCollection()
    /// Whoever comes first waits for the key.
    private let ready: Task<Void, Never>
    private let store: AccountStore

    package init(_ store: AccountStore) {
        self.store = store
        let keys = keys
        ready = Task { await keys.add(ecdsa: ES256PrivateKey()) }
    }

    /// A token of a session that goes on; nil otherwise.
    package func make(for session: Session, now: Date) async -> Redacted<String>? {
        guard let (account, _) = store.holder(of: session.id, now: now), let epoch = store.epoch(account.name) else {
            return nil
        }
        let claims = Claims(
            iss: Self.issuer, aud: Self.audience, sub: account.name.description, sid: session.id,
            role: account.role.rawValue, epoch: epoch, iat: now.timeIntervalSince1970.rounded(),
            exp: (now.timeIntervalSince1970 + Self.lifetime).rounded())
        var header = JWTHeader()
        header.typ = Self.type
        await ready.value
        return try? await Redacted(keys.sign(claims, header: header))
    }

    /// Whose request it is; nil when the text is no token of ours, too old, or of something that has ended.
    package func holder(of text: Redacted<String>, now: Date) async -> (account: Account, session: Session)? {
        await ready.value
        guard text.revealed.utf8.count <= Self.longest,
            let header = try? DefaultJWTParser().parse([UInt8](text.revealed.utf8), as: Claims.self).header,
            header.typ == Self.type,
            header.alg == "ES256",
            let claims = try? await keys.verify(text.revealed, as: Claims.self), claims.iss == Self.issuer,
            claims.aud == Self.audience, claims.exp > now.timeIntervalSince1970,
            claims.iat <= now.timeIntervalSince1970 + Self.lifetime,
            let holder = store.holder(of: claims.sid, now: now), holder.account.name.description == claims.sub,
            store.epoch(holder.account.name) == claims.epoch
        else { return nil }
        return holder
    }
}
