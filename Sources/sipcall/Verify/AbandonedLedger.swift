import Backup
import Foundation
import Ledger
import Sealing
import Systemd
import Wire

/// The ledger of a box whose web process does not run, read by the command itself.
enum AbandonedLedger {
    static func verdict(
        _ box: BoxOptions, on part: LedgerVerdict.Part, heads: [AuditHead]
    ) throws(Problem) -> LedgerVerdict {
        let web = "\(box.stateDirectory)/web"
        let directory = "\(web)/ledger"
        // A web process that starts meanwhile finds it locked, and comes again.
        let lock = try LedgerLock(existing: "\(web)/ledger.lock")
        defer { withExtendedLifetime(lock) {} }
        let keyring = try MasterKeyFile.existing(
            credential: try credential(box), path: "\(web)/master.key")
        return LedgerInspection(directory: directory, keyring: keyring).verdict(on: part, heads: heads)
    }

    /// As the unit of the installed box would be handed it; one that is encrypted only systemd can open.
    private static func credential(_ box: BoxOptions) throws(Problem) -> Redacted<[UInt8]>? {
        if let handed = try Credentials().read("master-key") { return handed }
        guard let folder = box.credentialDirectory else { return nil }
        return try Credentials(directory: folder).read("sipcall.master-key")
    }
}

/// What `sipcall verify` says of the backups.
enum BackupsVerdict {
    static func of(_ directory: String) throws(Problem) -> LedgerVerdict {
        let found = try BackupFolder(directory).verdict()
        return LedgerVerdict(
            part: VerifyCommand.Part.backups.rawValue, counts: ["backups": found.whole],
            faults: found.faults.map { LedgerVerdict.Fault(name: $0.name, problem: $0.problem) })
    }
}

/// The heads of the audit log that the journal has: what lies outside of the box's own files shows whether those were put back.
enum JournalHeads {
    /// So many of the newest.
    private static let most = 16

    private struct Line: Decodable {
        var message: String
        var time: String

        enum CodingKeys: String, CodingKey {
            case message = "MESSAGE"
            case time = "__REALTIME_TIMESTAMP"
        }
    }

    /// - Returns: none where the journal cannot be read.
    static func newest() async -> [AuditHead] {
        let output = await ToolOutput.of(
            "journalctl",
            ["-q", "--no-pager", "-o", "json", "-n", "\(most)", "-u", "sipcall-web", "SIPCALL_CODE=ledger.audit-head"])
        return (output ?? "").split(separator: "\n").compactMap { line in
            guard let entry = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)),
                let microseconds = Int64(entry.time)
            else { return nil }
            return AuditHead(notice: entry.message, noted: WallTime(milliseconds: microseconds / 1000))
        }
    }
}
