import Call
import Foundation
import Sealing
package import Wire

// What the law lets a person ask for: everything that is kept about a number or a user, and that it be forgotten.
extension ErasureSubject {
    /// A call as this person may see it: without the data of the person at the other end (GDPR article 15 §4).
    ///
    /// - Returns: nil for a call that is not this person's.
    package func share(of call: CallRecord) -> CallRecord? {
        let own = Set(terms.map(\.text))
        switch self {
        case .number:
            let isFar = call.far.number.map { own.contains($0) } ?? false
            let isTarget = call.transferredTo?.number.map { own.contains($0) } ?? false
            guard isFar || isTarget else { return nil }
            var call = call
            (call.user, call.device) = (nil, nil)
            // Whom somebody else was put through to took part as well; who that was is the other's data.
            if !isFar { call.far = call.far.limited(to: .lastDigits) }
            if !isTarget { call.transferredTo = call.transferredTo?.limited(to: .lastDigits) }
            return call
        case .user:
            guard let user = call.user, own.contains(Redacted(user.name)) else { return nil }
            var call = call
            call.far = call.far.limited(to: .lastDigits)
            call.transferredTo = call.transferredTo?.limited(to: .lastDigits)
            return call
        }
    }

    /// A query that finds at least this person's calls.
    package func query(_ term: Redacted<String>) -> CallQuery {
        var query = CallQuery()
        switch self {
        case .number: query.number = term
        case .user: query.user = CallOwner(term.revealed)
        }
        return query
    }

    /// Every spelling that is looked for.
    package var spellings: [Redacted<String>] { terms.map(\.text) }
}

extension LedgerStore {
    /// The periods that have calls of somebody: `2026-11`, the oldest first.
    package func periods(of subject: ErasureSubject) throws(Problem) -> [String] {
        var found: Set<Period> = []
        for spelling in subject.spellings {
            var query = subject.query(spelling)
            query.limit = 500
            repeat {
                let page = try page(query)
                for call in page.calls where subject.share(of: call) != nil {
                    if let period = Period(containing: call.dialled, length: settings.length) { found.insert(period) }
                }
                query.after = page.next
            } while query.after != nil
        }
        return found.sorted().map(\.description)
    }

    /// What the erasure list has for somebody: keyed hashes, by which a certificate can be checked against the list and which
    /// tell nobody who is meant.
    package func entries(of subject: ErasureSubject) -> [String] {
        subject.terms.map { hexadecimal(erasures.hash(of: $0)) }
    }

    /// How far the chain of the audit log has come.
    package func auditHead() throws(Problem) -> AuditHead { try audit.head() }
}
