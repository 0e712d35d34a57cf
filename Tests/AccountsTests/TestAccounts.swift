import FoundationEssentials
import Wire

@testable import Accounts

/// A store in a folder of its own, and a time of day that only tests move.
struct TestAccounts {
    let folder: String
    let store: AccountStore
    var now = Date(timeIntervalSince1970: 1_800_000_000)
    static let quick = PasswordHash.Cost(cost: 1 << 10, parallelism: 1)

    init() throws {
        folder = "/tmp/sipcall-accounts-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try AccountStore(folder + "/accounts.sqlite")
    }

    func reopened() throws -> AccountStore { try AccountStore(folder + "/accounts.sqlite") }

    @discardableResult
    func add(_ name: String, _ role: Role = .user, password: String? = "correct horse") async throws -> AccountName {
        let name = try name.account
        let hash = try password.map { try PasswordHash(Redacted($0), cost: Self.quick) }
        _ = try await store.add(name, displayName: name.description, role: role, password: hash, now: now)
        return name
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

struct NoAccountName: Error {}

extension String {
    var account: AccountName {
        get throws {
            guard let name = AccountName(self) else { throw NoAccountName() }
            return name
        }
    }
}
