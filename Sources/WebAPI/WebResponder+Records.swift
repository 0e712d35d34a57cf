import Accounts
import Call
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ledger
import NIOCore
import Wire

// Exports, the audit log, and what the law lets a person ask for.
extension WebResponder {
    private struct Person: Decodable {
        var number: String?
        var user: String?
    }

    private struct AuditPage: Encodable {
        struct Entry: Encodable {
            var number: Int64
            var time: WallTime?
            var actor: String?
            var action: String?
            var detail: String?
        }

        /// The newest first; one without anything but its number cannot be read any more.
        var entries: [Entry]
        /// For `below=` of the next page; missing at the end.
        var next: Int64?
    }

    private func kept() throws -> LedgerDesk {
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        return ledger
    }

    private func served<Result>(_ body: () async throws(Problem) -> Result) async throws(Refusal) -> Result {
        do throws(Problem) {
            return try await body()
        } catch {
            throw Refusal(.serviceUnavailable, error)
        }
    }

    /// All calls that fit, as they are read.
    func export(_ request: Request, _ asker: Asker, as form: ExportForm) async throws -> Response {
        let ledger = try kept()
        let query = try CallQuery(request.uri)
        guard query.after == nil, !request.uri.queryParameters.contains(where: { $0.key == "limit" }) else {
            throw Refusal(.badRequest, WebProblem.badQuery)
        }
        let store = try await served { () throws(Problem) in
            try await trail.require(.export, by: asker.name, "calls as \(form.rawValue)" + Self.filters(query))
            return try await ledger.opened()
        }
        return stream("calls.\(form.rawValue)", form == .csv ? "text/csv; charset=utf-8" : "application/json") { sink in
            var export = CallExport(query, as: form)
            while let part = try await export.next(from: store) { try await sink(part) }
        }
    }

    private static func filters(_ query: CallQuery) -> String {
        var filters: [String] = []
        if let from = query.from { filters.append("from \(from)") }
        if let until = query.until { filters.append("until \(until)") }
        if let user = query.user { filters.append("user \(user.name)") }
        if let direction = query.direction { filters.append(direction.rawValue) }
        if let outcome = query.outcome { filters.append(outcome.rawValue) }
        if let number = query.number { filters.append("number \(number.masked)") }
        if query.text != nil { filters.append("a text") }
        return filters.isEmpty ? ", all" : ", " + filters.joined(separator: ", ")
    }

    func audit(_ request: Request) async throws -> Response {
        let ledger = try kept()
        var (limit, below) = (50, Int64.max)
        for (name, value) in request.uri.queryParameters {
            switch (name, Int64(value)) {
            case ("limit", .some(let number)) where (1...200).contains(number): limit = Int(number)
            case ("below", .some(let number)) where number > 0: below = number
            default: throw Refusal(.badRequest, WebProblem.badAuditQuery)
            }
        }
        let page = try await served { () throws(Problem) in
            try await trail.write()
            return try await ledger.opened().auditPage(below: below, count: limit)
        }
        let entries = page.map { number, entry in
            AuditPage.Entry(
                number: number, time: entry?.time, actor: entry?.actor.revealed, action: entry?.action,
                detail: entry?.detail.revealed)
        }
        let last = entries.last?.number ?? 1
        return try .json(AuditPage(entries: entries, next: entries.count == limit && last > 1 ? last : nil))
    }

    // MARK: - Persons

    private func subject(_ request: Request) async throws -> (ErasureSubject, shown: String) {
        let person = try await request.json(as: Person.self)
        switch (person.number, person.user) {
        case (.some(let number), nil) where number.contains(where: \.isNumber) && number.utf8.count <= 64:
            let all = ([number] + spellings(number)).map { Redacted($0) }
            let canonical = spellings(number).first.map { Redacted($0) } ?? Redacted(number)
            return (.number(canonical, others: all), "number \(canonical.masked)")
        case (nil, .some(let user)) where (1...64).contains(user.utf8.count):
            return (.user(CallOwner(user)), "user \(user)")
        default: throw Refusal(.badRequest, WebProblem.badPerson)
        }
    }

    /// One archive with all that is kept about somebody.
    func exportPerson(_ request: Request, _ asker: Asker) async throws -> Response {
        let ledger = try kept()
        let (subject, shown) = try await subject(request)
        let store = try await served { () throws(Problem) in
            try await trail.require(.personalExport, by: asker.name, shown)
            return try await ledger.opened()
        }
        let now = WallTime.now()
        return stream("personal-data.zip", "application/zip") { sink in
            var zip = ZipWriter()
            try await sink(zip.begin("README.txt"))
            try await sink(zip.add(Array(PersonalArchive.explanation(subject, time: now).utf8)))
            try await sink(zip.end())
            for form in ExportForm.allCases {
                try await sink(zip.begin("calls.\(form.rawValue)"))
                var parts = PersonalArchive(subject, as: form, until: now)
                while let part = try await parts.next(from: store) {
                    try await sink(zip.add(part))
                    if zip.isTooLarge { throw WebProblem.internalError }
                }
                try await sink(zip.end())
            }
            try await sink(zip.directory())
        }
    }

    func erasePerson(_ request: Request, _ asker: Asker) async throws -> Response {
        let ledger = try kept()
        let (subject, shown) = try await subject(request)
        let notice = try await served { () throws(Problem) in
            let notice = try await ledger.erase(subject, askedBy: asker.name, shown: shown, control)
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let text = (try? encoder.encode(notice)).map { String(decoding: $0, as: UTF8.self) }
            try await trail.require(.erasure, by: asker.name, text ?? shown)
            return notice
        }
        if case .user(let user) = subject, let name = AccountName(user.name), notice.spoolEmptied,
            notice.unsearched == []
        {
            // Nothing is left that somebody else of this name could find.
            try await accounts.release(name)
        }
        return try .json(notice)
    }

    private func stream(
        _ name: String, _ type: String,
        _ write: @escaping @Sendable (@escaping ([UInt8]) async throws -> Void) async throws -> Void
    ) -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: "no-store"]
        headers[.contentDisposition] = "attachment; filename=\"\(name)\""
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                let sink = BodySink(writer)
                try await write { try await sink.write($0) }
                try await sink.finish()
            })
    }
}

/// The writer of one answer, for closures.
private final class BodySink {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await writer.write(ByteBuffer(bytes: bytes))
    }

    func finish() async throws { try await writer.finish(nil) }
}
