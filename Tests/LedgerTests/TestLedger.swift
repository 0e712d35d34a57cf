import Call
import Foundation
import Numbering
import Sealing
import Wire

@testable import Ledger

/// A directory of a test's own, with a ledger and whatever else it makes; removed with the value.
final class TestLedger: Sendable {
    let directory: String
    let keyring: MasterKeyring

    init(keyring: MasterKeyring = MasterKeyring()) throws {
        // Memory, where there is such a file system: durability to the disk is SQLite's to test, and waiting for it takes minutes.
        let memory = URL(filePath: "/dev/shm")
        let place = access(memory.path, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory
        let folder = place.appending(path: "ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        directory = folder.path
        self.keyring = keyring
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    var settings: LedgerSettings { LedgerSettings(directory: "\(directory)/ledger") }

    func open(_ change: (inout LedgerSettings) -> Void = { _ in }) async throws(Problem) -> LedgerStore {
        var settings = settings
        change(&settings)
        return try await LedgerStore.open(settings, keyring: keyring)
    }

    /// Every file below the directory, with its content.
    func files() throws -> [String: Data] {
        var all: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            var isDirectory: ObjCBool = false
            let path = "\(directory)/\(name)"
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            all[name] = try Data(contentsOf: URL(filePath: path))
        }
        return all
    }
}

/// The hour `index` after 2026-11-01T00:00Z.
func hour(_ index: Int) -> WallTime {
    WallTime(milliseconds: 1_793_491_200_000 + Int64(index) * 3_600_000)
}

/// Call number `index`, one an hour from 2026-11-01T00:00Z on; the number is one of 50.
func call(_ index: Int, _ stage: CallRecord.Stage = .ended, number: String? = nil) -> CallRecord {
    var generator = SeededGenerator(seed: UInt64(index))
    var record = CallRecord(
        identifier: CallIdentifier(using: &generator), stage: stage, box: "box-1",
        direction: index % 3 == 0 ? .inbound : .outbound,
        far: FarParty(
            number: Redacted(number ?? "+49301234\(100 + index % 50)"), name: Redacted("Person \(index % 50)")),
        dialled: hour(index), zone: "Europe/Berlin")
    record.user = CallOwner(index % 2 == 0 ? "anna" : "bert")
    record.trunk = "Telnyx"
    record.ringing = WallTime(milliseconds: hour(index).milliseconds + 1000)
    if stage >= .answered, index % 4 != 3 {
        record.answered = WallTime(milliseconds: hour(index).milliseconds + 5000)
    }
    if stage >= .ended {
        record.ended = WallTime(milliseconds: hour(index).milliseconds + 65_000)
        record.reason = index % 4 == 3 ? .busy : .hungUpHere
        record.quality.fromFar = CallQuality.Direction(
            meanOpinion: 4321, lossPerMillion: 100, jitterMicroseconds: 3000, roundTripMicroseconds: 42_000)
    }
    if stage == .amended { record.cost = CallRecord.Cost(micros: 12_000, currency: "EUR") }
    return record
}

extension LedgerStore {
    /// As from the core.
    ///
    /// - Throws: the problem of the first part that took nothing.
    func file(_ calls: [CallRecord]) throws(Problem) {
        var sealed: [SealedRecord] = []
        for call in calls { sealed.append(try sealingKey.seal(call)) }
        if let part = file(sealed).unusable.first { throw part.problem }
    }

    /// All calls, page by page.
    ///
    /// - Throws: the problem of the first part that cannot be read.
    func all(_ query: CallQuery = CallQuery()) throws(Problem) -> [CallRecord] {
        var (query, calls) = (query, [CallRecord]())
        repeat {
            let page = try page(query)
            if let part = page.unusable.first { throw part.problem }
            calls += page.calls
            query.after = page.next
        } while query.after != nil
        return calls
    }
}

/// A machine's clocks, the wall clock at an hour as ``hour(_:)`` counts them.
func clocks(_ index: Int, sinceBoot hours: Int = 0, boot: String = "a", synchronised: Bool? = true) -> RetentionClock {
    RetentionClock(wall: hour(index), sinceBoot: .seconds(hours * 3600), boot: boot, isSynchronised: synchronised)
}
