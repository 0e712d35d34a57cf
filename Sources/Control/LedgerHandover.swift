package import Wire

/// What the web process tells the core of the ledger, which only it opens: at each connection and whenever it changes.
package struct LedgerHandover: Codable, Sendable, Equatable {
    /// The box's public key (32 bytes), which the core seals records with; nil while the ledger cannot be opened.
    package var sealingKey: [UInt8]?
    /// Why the ledger cannot be opened, or takes nothing at the moment.
    package var problem: Problem?
    /// What the owner should know though nothing is wrong yet: how full the ledger is, that retention waits.
    package var warning: Problem?

    package init(sealingKey: [UInt8]?, problem: Problem? = nil, warning: Problem? = nil) {
        self.sealingKey = sealingKey
        self.problem = problem
        self.warning = warning
    }

    /// Bytes of sealed records in one reply: as base64 with their headers they fit a frame.
    package static let batchBytes = 128 * 1024
    /// Records in one reply.
    package static let batchCount = 200
}
