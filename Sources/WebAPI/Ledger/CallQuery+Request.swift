import Call
import HTTPTypes
import HummingbirdCore
import Ledger
import Wire

extension CallQuery {
    /// Parameters that `GET /api/v1/calls` understands, each at most once.
    private static let known = [
        "limit", "after", "from", "until", "direction", "outcome", "user", "number", "text",
    ]
    private static let longestText = 64

    /// Reads the query of a request: `?limit=20&outcome=missed&number=%2B4930`.
    ///
    /// - Throws: `web.bad-query` for anything that is not understood.
    init(_ uri: URI) throws(Refusal) {
        self.init()
        var seen: Set<String> = []
        for (name, value) in uri.queryParameters {
            let (name, value) = (String(name), String(value))
            guard Self.known.contains(name), seen.insert(name).inserted, set(name, value) else {
                throw Refusal(.badRequest, WebProblem.badQuery)
            }
        }
    }

    /// - Returns: false for a value of no use.
    private mutating func set(_ name: String, _ value: String) -> Bool {
        func isShort(_ text: String) -> Bool { (1...Self.longestText).contains(text.unicodeScalars.count) }
        switch name {
        case "limit":
            guard let number = Int(value), (1...200).contains(number) else { return false }
            limit = number
        case "after":
            after = PageMark(value)
            return after != nil
        case "from":
            from = WallTime(value)
            return from != nil
        case "until":
            until = WallTime(value)
            return until != nil
        case "direction":
            direction = Call.Direction(rawValue: value)
            return direction != nil
        case "outcome":
            outcome = CallRecord.Outcome(rawValue: value)
            return outcome != nil
        case "user":
            user = CallOwner(value)
            return isShort(value)
        case "number":
            number = Redacted(value)
            return isShort(value)
        case "text":
            text = Redacted(value)
            return isShort(value)
        default: return false
        }
        return true
    }
}
