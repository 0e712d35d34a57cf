import Foundation
import Sealing
package import Wire

/// What is known of the clock that decides about the end of records.
///
/// A wall clock can jump by years: a battery dies, a time server lies, somebody mistypes a date. What it says once must not
/// destroy keys, for nothing brings them back.
package struct RetentionClock: Sendable {
    package var wall: WallTime
    /// Since the machine's start, sleep included (CLOCK_BOOTTIME).
    package var sinceBoot: Duration
    /// Another one for each start of the machine.
    package var boot: String
    /// Whether it follows a time server; nil when nobody can tell.
    package var isSynchronised: Bool?

    package init(wall: WallTime, sinceBoot: Duration, boot: String, isSynchronised: Bool?) {
        (self.wall, self.sinceBoot, self.boot, self.isSynchronised) = (wall, sinceBoot, boot, isSynchronised)
    }
}

/// What a look at the ledger's age has come to.
package struct Expiry: Sendable, Equatable {
    /// `2026-08.calls`
    package var removed: [String] = []
    /// Old enough by this look, and kept until another one says so.
    package var waiting: [String] = []
    /// `ledger.retention-waits`, when only the clock holds it up.
    package var problem: Problem?
}

/// The looks so far, in the file `expiry` beside the periods: how long each part has been seen expired, by the time since the
/// machine's start, which no setting of the clock moves. Lost or damaged, it is begun anew: records are kept a day longer.
private struct Looks: Codable {
    /// The last look.
    var boot = ""
    var milliseconds: Int64 = 0
    /// Milliseconds that each part has been seen expired.
    var seen: [String: Int64] = [:]
}

extension LedgerStore {
    /// Milliseconds for which every look must have found a part expired before it goes: a day.
    static let expiryPatience: Int64 = 86_400_000
    /// Time between two looks that counts at most: who looks hourly and once is stopped for a week has not looked for a week.
    private static let longestGap: Int64 = 7_200_000

    /// Removes the periods whose time is over: the key first, then the file. To be called about hourly.
    ///
    /// A record is kept until the days of its kind have passed since the *end* of its period, so up to one period longer: who
    /// wants it exact chooses shorter periods. The newest period of each kind always stays, and an older one goes only when
    /// all looks of a whole day of running found it expired by a clock that is not known to be wrong.
    package func expire(_ clock: RetentionClock) throws(Problem) -> Expiry {
        var expiry = Expiry()
        let expired = try self.expired(at: clock.wall)
        var looks = try Self.looks(expiryPath)
        let now = clock.sinceBoot.nanoseconds / 1_000_000
        // Over a restart of the machine nobody knows how long it was off: nothing is counted.
        let passed = looks.boot == clock.boot ? min(max(now - looks.milliseconds, 0), Self.longestGap) : 0
        if clock.isSynchronised == false {
            guard !expired.isEmpty else { return expiry }
            expiry.waiting = expired.map(\.name)
            expiry.problem = LedgerProblem.retentionWaits
            // What was counted so far was counted by this clock.
            looks = Looks()
        } else {
            var seen: [String: Int64] = [:]
            for (place, name) in expired {
                let sum = looks.seen[name].map { $0 + passed }
                if let sum, sum >= Self.expiryPatience {
                    try remove(place.period, place.kind, because: "kept long enough")
                    expiry.removed.append(name)
                } else {
                    seen[name] = sum ?? 0
                    expiry.waiting.append(name)
                }
            }
            looks = Looks(boot: clock.boot, milliseconds: now, seen: seen)
        }
        if looks.seen.isEmpty {
            unlink(expiryPath)
        } else if let data = try? JSONEncoder().encode(looks) {
            try PrivateBytes.replace(expiryPath, with: Array(data))
        }
        return expiry
    }

    private var expiryPath: String { "\(settings.directory)/expiry" }

    private func expired(at now: WallTime) throws(Problem) -> [(place: Place, name: String)] {
        var expired: [(place: Place, name: String)] = []
        guard now.isPlausible else { return [] }
        for (kind, days) in settings.retentionDays.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where kind != .audit {
            let kept = Int64(min(max(days, 0), 100_000)) * 86_400_000
            let all = try periods(kind)
            for period in all where period.name != all.last?.name && period.end.milliseconds + kept <= now.milliseconds
            {
                expired.append((Place(period: period, kind: kind), "\(period).\(kind.name)"))
            }
        }
        return expired
    }

    private static func looks(_ path: String) throws(Problem) -> Looks {
        guard let bytes = try PrivateBytes.contents(of: path, atMost: 1 << 20) else { return Looks() }
        guard let looks = try? JSONDecoder().decode(Looks.self, from: Data(bytes)),
            looks.seen.values.allSatisfy({ (0...Self.expiryPatience * 2).contains($0) }), looks.milliseconds >= 0
        else { return Looks() }
        return looks
    }
}
