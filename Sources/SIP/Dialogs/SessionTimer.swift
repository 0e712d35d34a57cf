import SIPMessage
import Wire

/// How long a session lives without a refresh, and who refreshes it (RFC 4028).
///
/// The refresher asks again after half of the interval. Without a refresh either side hangs up shortly before its end
/// (§10): a third of it, at most 32 s, early.
struct SessionTimer: Hashable, Sendable, Codable {
    enum Event: Equatable, Sendable {
        case refreshDue
        case expired
    }

    /// Seconds. What we ask for, and less than which we refuse (§4, §5).
    static let wanted = 1_800
    static let minimum = 90
    /// Seconds. No session is longer.
    private static let longest = 86_400

    /// Seconds.
    let interval: Int
    let isRefresher: Bool
    /// nil while a refresh is on its way, and for the side that does not refresh.
    private(set) var refreshAt: MonotonicTime?
    let endsAt: MonotonicTime

    init(interval: Int, isRefresher: Bool, now: MonotonicTime) {
        let seconds = min(max(interval, Self.minimum), Self.longest)
        self.interval = seconds
        self.isRefresher = isRefresher
        refreshAt = isRefresher ? now + .seconds(seconds / 2) : nil
        endsAt = now + .seconds(seconds - min(32, seconds / 3))
    }

    var nextDeadline: MonotonicTime { refreshAt.map { min($0, endsAt) } ?? endsAt }

    mutating func timePassed(to now: MonotonicTime) -> Event? {
        if endsAt <= now { return .expired }
        guard let time = refreshAt, time <= now else { return nil }
        refreshAt = nil
        return .refreshDue
    }

    /// The refresh did not succeed: once more, as long as there is time.
    mutating func refreshFailed(retryAfter: Int?, now: MonotonicTime) {
        guard isRefresher, refreshAt == nil else { return }
        refreshAt = now + .seconds(min(max(retryAfter ?? 0, 5), 3_600))
    }

    // MARK: Agreeing on it

    /// The caller's view of a 2xx (§7.2): nil if the session lives for ever.
    /// Whoever does not say who refreshes leaves it to us.
    init?(response headers: SIPHeaders, now: MonotonicTime) {
        guard let said = headers.sessionExpires else { return nil }
        self.init(interval: said.interval, isRefresher: said.refresher != .uas, now: now)
    }

    /// The callee's view of a request (§9).
    /// - Parameter running: what was agreed before; a request that says nothing keeps it.
    init?(request headers: SIPHeaders, running: SessionTimer?, now: MonotonicTime) {
        let isUnderstood = headers.supported.contains("timer")
        if let asked = headers.sessionExpires {
            // Only a caller that knows the extension can be left to refresh.
            self.init(interval: asked.interval, isRefresher: asked.refresher == .uas || !isUnderstood, now: now)
        } else if let running {
            self.init(interval: running.interval, isRefresher: running.isRefresher || !isUnderstood, now: now)
        } else {
            return nil
        }
    }

    /// Whether a request asks for less than is allowed: answer 422, which only those understand who know timers (§9).
    static func isTooShort(_ headers: SIPHeaders) -> Bool {
        guard let asked = headers.sessionExpires, headers.supported.contains("timer") else { return false }
        return asked.interval < minimum
    }

    /// What a 2xx of ours says about it.
    func describe(response headers: inout SIPHeaders) {
        headers.sessionExpires = SessionExpires(interval: interval, refresher: isRefresher ? .uas : .uac)
        if !isRefresher { headers.append(.require, "timer") }
    }

    /// What a refresh or another request of ours inside the dialog says about it (§7.4).
    func describe(request headers: inout [SIPHeaders.Field]) {
        let said = SessionExpires(interval: interval, refresher: isRefresher ? .uac : .uas)
        headers.append(SIPHeaders.Field(.sessionExpires, said.text))
        headers.append(SIPHeaders.Field(.minSE, String(Self.minimum)))
    }
}
