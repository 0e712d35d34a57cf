import Call
import Foundation
import Wire

/// The form of an export.
package enum ExportForm: String, Sendable, CaseIterable {
    /// RFC 4180, UTF-8, a line of names first.
    case csv
    /// One JSON array, an object a call.
    case json
}

extension LedgerStore {
    private static let columns: [(String, @Sendable (CallRecord) -> String?)] = [
        ("id", { $0.identifier.description }), ("box", { $0.box }), ("direction", { $0.direction.rawValue }),
        ("outcome", { $0.outcome.rawValue }), ("number", { $0.far.number?.revealed }),
        ("last_digits", { $0.far.lastDigits?.revealed }), ("country", { $0.far.region }),
        ("name", { $0.far.name?.revealed }), ("user", { $0.user?.name }), ("provider", { $0.trunk }),
        ("device", { $0.device }), ("dialled", { $0.dialled.description }), ("ringing", { $0.ringing?.description }),
        ("answered", { $0.answered?.description }), ("ended", { $0.ended?.description }), ("zone", { $0.zone }),
        ("seconds", { String($0.seconds) }), ("reason", { $0.reason?.rawValue }), ("near_codec", { $0.nearCodec }),
        ("far_codec", { $0.farCodec }),
        ("mos_from_far", { $0.quality.fromFar.meanOpinion.map { "\(Double($0) / 1000)" } }),
        ("mos_from_near", { $0.quality.fromNear.meanOpinion.map { "\(Double($0) / 1000)" } }),
        ("cost", { $0.cost.map { "\(Double($0.micros) / 1_000_000)" } }), ("currency", { $0.cost?.currency }),
        ("transferred_to", { $0.transferredTo?.number?.revealed }),
        ("forwarded_to", { $0.forwardedTo?.description }), ("forwarded_by", { $0.forwardedBy?.description }),
        ("caller_verification", { $0.verification?.rawValue }),
    ]

    /// Writes all calls that fit, the newest first, page by page: memory does not grow with the ledger.
    ///
    /// - Parameter sink: takes the next bytes; it may wait for a slow reader, and the ledger goes on filing meanwhile.
    /// - Returns: how many calls were written.
    /// - Throws: a file's problem, or what the sink throws; what was written so far is incomplete then.
    package func export(
        _ query: CallQuery, as form: ExportForm, to sink: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> Int {
        var export = CallExport(query, as: form)
        while let part = try await export.next(from: self) {
            if !part.isEmpty { try await sink(part) }
        }
        return export.count
    }

    static var heading: String { columns.map(\.0).joined(separator: ",") + "\r\n" }

    static func line(_ call: CallRecord) -> String {
        columns.map { cell($0.1(call) ?? "") }.joined(separator: ",") + "\r\n"
    }

    /// RFC 4180 §2. A cell that a spreadsheet would take for a formula gets an apostrophe in front; a telephone number does not
    /// count as one.
    static func cell(_ text: String) -> String {
        var text = text
        if let first = text.first, "=+-@\t\r".contains(first),
            first != "+" || !text.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber })
        {
            text = "'" + text
        }
        guard text.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    static func object(_ call: CallRecord) -> String {
        let members = columns.compactMap { name, value in
            value(call).map { "\"\(name)\": \(quoted($0))" }
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// RFC 8259 §7.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1f}", "\u{7f}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
