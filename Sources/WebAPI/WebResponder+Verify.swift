import Hummingbird
import Ledger
import Wire

// The part of `sipcall verify` that only the owner of the ledger can do: read all of it.
extension WebResponder {
    /// Heads of the audit log that one request may name.
    private static let mostHeads = 32

    /// For commands of this machine alone: reading a large ledger takes its time.
    func verify(_ request: Request) async throws -> Response {
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        var (parts, heads): ([LedgerVerdict.Part], [AuditHead]) = ([], [])
        for (name, value) in request.uri.queryParameters {
            switch name {
            case "part":
                guard let part = LedgerVerdict.Part(rawValue: String(value)), !parts.contains(part) else {
                    throw Refusal(.badRequest, WebProblem.badVerifyQuery)
                }
                parts.append(part)
            case "head":
                guard let head = AuditHead(String(value)), heads.count < Self.mostHeads else {
                    throw Refusal(.badRequest, WebProblem.badVerifyQuery)
                }
                heads.append(head)
            default: throw Refusal(.badRequest, WebProblem.badVerifyQuery)
            }
        }
        return try .json(await ledger.inspect(parts.isEmpty ? LedgerVerdict.Part.allCases : parts, heads: heads))
    }
}

extension LedgerDesk {
    /// Also of a ledger that does not open: that is when one wants to know.
    func inspect(_ parts: [LedgerVerdict.Part], heads: [AuditHead]) async -> [LedgerVerdict] {
        await settle()
        if let store { return await store.inspect(parts, heads: heads) }
        do throws(Problem) {
            let inspection = LedgerInspection(directory: settings.directory, keyring: try keyring())
            return parts.map { inspection.verdict(on: $0, heads: heads) }
        } catch {
            return parts.map { LedgerVerdict(part: $0.rawValue, faults: [.init(name: $0.rawValue, problem: error)]) }
        }
    }
}
