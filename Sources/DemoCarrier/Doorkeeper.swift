import SIP
import SIPMessage
import Wire

/// Lets in who knows the password, by digest authentication (RFC 3261 §22).
///
/// What was let in is remembered for as long as it may be repeated, 64·T1: the repetition of a request carries a nonce
/// count that was used already, and must not be taken for a replay by a stranger.
struct Doorkeeper: Sendable {
    enum Verdict {
        case admitted
        /// A request that was admitted before, with the answer that was noted for it.
        case repeated(answer: [UInt8]?)
        /// To be sent back: a challenge, or 403 for a wrong password.
        case refused(SIPResponse)
    }

    private struct Memory {
        let until: MonotonicTime
        var answer: [UInt8]?
    }

    private static let memoryTime = SIPTimers.standard.transactionTimeout
    private static let memoryLimit = 512

    private let user: String
    private let password: Redacted<String>
    private var verifier: DigestVerifier
    private var memories: [String: Memory] = [:]
    /// The keys of `memories`, the oldest first.
    private var order: [String] = []

    init(user: String, password: Redacted<String>, realm: String) {
        self.user = user
        self.password = password
        verifier = DigestVerifier(realm: realm, algorithm: .md5)
    }

    /// - Parameter status: 401 for a registrar, 407 for a proxy; it also says which fields are looked at.
    mutating func received(
        _ request: SIPRequest, _ facts: MessageFacts, challengedWith status: Int, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        forget(now: now)
        if let memory = memories[Self.key(facts)] { return .repeated(answer: memory.answer) }
        let shown = status == 401 ? request.headers.authorization : request.headers.proxyAuthorization
        guard let credentials = shown.flatMap(DigestCredentials.init), credentials.realm == verifier.realm else {
            return .refused(challenge(request, facts, status, isStale: false, now: now, using: &generator))
        }
        // The URI in the credentials is not compared with the request's: some clients write the provider's there, and the
        // count of the nonce keeps a captured request from being played again as it is.
        guard credentials.user == user, credentials.isRight(password: password.revealed, method: request.method) else {
            return .refused(Self.response(to: request, facts, status: 403))
        }
        switch verifier.verify(credentials, password: password.revealed, method: request.method, now: now) {
        case .accepted:
            memories[Self.key(facts)] = Memory(until: now + Self.memoryTime)
            order.append(Self.key(facts))
            return .admitted
        case .stale, .refused:
            // The password is right, so only the nonce or its count is old.
            return .refused(challenge(request, facts, status, isStale: true, now: now, using: &generator))
        }
    }

    /// Notes what a repetition of an admitted request is to be answered with.
    mutating func answered(_ facts: MessageFacts, with answer: [UInt8]) {
        memories[Self.key(facts)]?.answer = answer
    }

    /// A response of ours. Its tag is always the same for the same request, because nothing is kept (RFC 3261 §8.2.7).
    static func response(to request: SIPRequest, _ facts: MessageFacts, status: Int) -> SIPResponse {
        var hasher = Hasher()
        hasher.combine(facts.branch)
        hasher.combine(facts.callID)
        let tag = String(UInt(bitPattern: hasher.finalize()), radix: 16)
        var response = SIPResponse(to: request, status: status, toTag: tag)
        response.headers.append(.server, Carrier.product)
        return response
    }

    private mutating func challenge(
        _ request: SIPRequest, _ facts: MessageFacts, _ status: Int, isStale: Bool, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> SIPResponse {
        let challenge = verifier.challenge(isStale: isStale, now: now, using: &generator).challenge
        var response = Self.response(to: request, facts, status: status)
        response.headers.append(status == 401 ? .wwwAuthenticate : .proxyAuthenticate, challenge.text)
        return response
    }

    private mutating func forget(now: MonotonicTime) {
        let over = order.prefix { (memories[$0]?.until ?? .zero) <= now }.count
        let gone = max(over, order.count - Self.memoryLimit + 1)
        for key in order.prefix(max(0, gone)) { memories[key] = nil }
        order.removeFirst(max(0, gone))
    }

    private static func key(_ facts: MessageFacts) -> String {
        "\(facts.method) \(facts.branch) \(facts.callID)"
    }
}
