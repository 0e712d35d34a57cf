import Call
import Hummingbird
import Ledger
import Wire

// Sums and series for charts: `GET /api/v1/totals?from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z&hours=24`.
extension WebResponder {
    private struct Totals: Encodable {
        struct Step: Encodable {
            /// When it begins.
            var from: WallTime
            var calls: Int
            var outbound: Int
            var answered: Int
            var missed: Int
            var failed: Int
            var unfinished: Int
            /// Of talk.
            var seconds: Int64
            /// How often each reason ended a call.
            var reasons: [String: Int]
            /// Millionths of each currency's unit.
            var cost: [String: Int64]
        }

        /// Those with calls, the oldest first.
        var steps: [Step]
    }

    private static let hour: Int64 = 3_600_000
    /// A step of an hour for a year, or of a day for 24 of them.
    private static let mostSteps: Int64 = 8784

    /// For the owner: sums over everybody's calls, without any party.
    func totals(_ request: Request) async throws -> Response {
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        var (from, until, hours) = (WallTime?.none, WallTime?.none, Int64(24))
        for (name, value) in request.uri.queryParameters {
            switch name {
            case "from": from = WallTime(String(value))
            case "until": until = WallTime(String(value))
            case "hours": hours = Int64(value) ?? 0
            default: hours = 0
            }
        }
        guard let from, let until, from < until, (1...Self.mostSteps).contains(hours),
            (until.milliseconds - from.milliseconds) / (hours * Self.hour) <= Self.mostSteps
        else { throw Refusal(.badRequest, WebProblem.badTotalsQuery) }
        let series: [Int: CallTotals]
        do throws(Problem) {
            series = try await ledger.opened().series(from: from, until: until, hours: Int(hours))
        } catch {
            throw Refusal(.serviceUnavailable, error)
        }
        let first = from.milliseconds / Self.hour * Self.hour
        let steps = series.sorted { $0.key < $1.key }.map { index, sums in
            Totals.Step(
                from: WallTime(milliseconds: first + Int64(index) * hours * Self.hour), calls: sums.calls,
                outbound: sums.outbound, answered: sums.answered, missed: sums.missed, failed: sums.failed,
                unfinished: sums.unfinished, seconds: sums.seconds,
                reasons: Dictionary(uniqueKeysWithValues: sums.reasons.map { ($0.key.rawValue, $0.value) }),
                cost: sums.cost)
        }
        return try .json(Totals(steps: steps))
    }
}
