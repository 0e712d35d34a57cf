import SIP
import SIPMessage
import Wire

/// What stands before the second of two user agents: a registrar, and a proxy that wants to know who calls.
///
/// ```
///   REGISTER          ──▶ 401 ──▶ 200, the binding kept; its repetitions the same answer
///   INVITE            ──▶ 407 ──▶ passes, and so do its repetitions
///   ACK to our 407    ──▶ goes no further
///   anything else     ──▶ passes
/// ```
struct LossyDoor {
    enum Verdict {
        case passes, goesNoFurther
        case answers([UInt8])
    }

    static let user = "box"
    static let password = "secret"
    static let granted = 120
    private static let tag = "door"

    private var verifier = DigestVerifier(realm: "other.example", algorithm: .md5, nonceLifetime: .seconds(40))
    /// Requests that were let in, by branch, each with what its repetitions are answered with.
    private var admitted: [String: [UInt8]] = [:]
    private(set) var boundUntil: MonotonicTime?
    private(set) var challenges = 0
    /// REGISTERs that were granted.
    private(set) var registrations = 0
    /// How often a binding had ended before it was refreshed.
    private(set) var lapses = 0
    /// Requests with a wrong password, or with a nonce count that was used before.
    private(set) var strangers = 0

    mutating func received(
        _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        let isBeginning = request.headers.to?.tag == nil
        switch request.method {
        case .register: return admit(request, from: source, status: 401, now: now, using: &generator)
        case .invite where isBeginning: return admit(request, from: source, status: 407, now: now, using: &generator)
        case .ack where request.headers.to?.tag == Self.tag: return .goesNoFurther
        default: return .passes
        }
    }

    private mutating func admit(
        _ request: SIPRequest, from source: NetworkAddress, status: Int, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        let key = "\(request.method) \(request.headers.topVia?.branch ?? "")"
        if let answer = admitted[key] { return answer.isEmpty ? .passes : .answers(answer) }
        var noted = request
        noted.note(source: source)
        let shown = status == 401 ? request.headers.authorization : request.headers.proxyAuthorization
        guard let credentials = shown.flatMap(DigestCredentials.init) else {
            return challenge(noted, status, isStale: false, now: now, using: &generator)
        }
        switch verifier.verify(credentials, password: Self.password, method: request.method, now: now) {
        case .accepted: break
        case .stale: return challenge(noted, status, isStale: true, now: now, using: &generator)
        case .refused:
            strangers += 1
            return .answers(SIPResponse(to: noted, status: 403, toTag: Self.tag).serialized())
        }
        let answer = status == 401 ? bind(noted, now: now) : []
        admitted[key] = answer
        return answer.isEmpty ? .passes : .answers(answer)
    }

    private mutating func challenge(
        _ request: SIPRequest, _ status: Int, isStale: Bool, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        challenges += 1
        var response = SIPResponse(to: request, status: status, toTag: Self.tag)
        let challenge = verifier.challenge(isStale: isStale, now: now, using: &generator).challenge
        response.headers.append(status == 401 ? .wwwAuthenticate : .proxyAuthenticate, challenge.text)
        return .answers(response.serialized())
    }

    private mutating func bind(_ request: SIPRequest, now: MonotonicTime) -> [UInt8] {
        registrations += 1
        if let boundUntil, boundUntil < now { lapses += 1 }
        let wanted = request.headers.contact?.expires ?? request.headers.expires ?? Self.granted
        var response = SIPResponse(to: request, status: 200, toTag: Self.tag)
        boundUntil = wanted == 0 ? nil : now + .seconds(Self.granted)
        if wanted > 0, let contact = request.headers.contact {
            response.headers.append(.contact, NameAddress(uri: contact.uri).text + ";expires=\(Self.granted)")
        }
        return response.serialized()
    }
}
