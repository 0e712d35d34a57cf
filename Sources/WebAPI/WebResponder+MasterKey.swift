import Hummingbird
import Ledger
import Wire

// `sipcall change-master-key`.
extension WebResponder {
    /// Asked again, it goes on where it was cut short.
    func changeMasterKey(_ context: WebContext) async throws -> Response {
        let (name, ledger) = try operatingRoot(context)
        do throws(Problem) {
            try await trail.require(.masterKey, by: name, "")
            try await ledger.changeMasterKey()
            return .done
        } catch {
            throw Refusal(.serviceUnavailable, error)
        }
    }
}

extension LedgerDesk {
    func changeMasterKey() async throws(Problem) {
        try await opened().changeMasterKey(store: storing)
    }
}
