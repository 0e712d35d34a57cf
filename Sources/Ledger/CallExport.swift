package import Wire

/// An export under way: page by page, so that memory does not grow with the ledger, and whoever reads may be slow.
///
///     beginning ──next──▶ a page at a time ──next──▶ end ──next──▶ nil
package struct CallExport: Sendable {
    private enum State { case beginning, pages, ended }

    private var query: CallQuery
    private let form: ExportForm
    private let select: @Sendable (CallRecord) -> CallRecord?
    private var state = State.beginning
    /// Calls that were written so far.
    package private(set) var count = 0

    /// - Parameter select: what is written of a call; nil leaves it out.
    package init(
        _ query: CallQuery, as form: ExportForm, select: @escaping @Sendable (CallRecord) -> CallRecord? = { $0 }
    ) {
        (self.query, self.form, self.select) = (query, form, select)
        self.query.limit = 500
    }

    /// - Returns: the next bytes; nil at the end.
    /// - Throws: a file's problem; what was written so far is incomplete then.
    package mutating func next(from store: LedgerStore) async throws(Problem) -> [UInt8]? {
        switch state {
        case .beginning:
            state = .pages
            return Array((form == .csv ? LedgerStore.heading : "[").utf8)
        case .pages:
            let page = try await store.page(query)
            // An export that leaves something out must not pass for a whole one.
            if let part = page.unusable.first { throw part.problem }
            var text = ""
            for call in page.calls.compactMap(select) {
                switch form {
                case .csv: text += LedgerStore.line(call)
                case .json: text += (count == 0 ? "\n" : ",\n") + LedgerStore.object(call)
                }
                count += 1
            }
            query.after = page.next
            if page.next == nil {
                state = .ended
                if form == .json { text += "\n]\n" }
            }
            return Array(text.utf8)
        case .ended: return nil
        }
    }
}
