import Call
import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

/// Five rounds by default; more: `SIPCALL_KILL_ROUNDS=1000 swift test --filter KillTests`
@Suite("kill -9 at random moments: nothing acknowledged is lost, nothing doubled, nothing corrupt", .serialized)
struct KillTests {
    private static var rounds: Int {
        ProcessInfo.processInfo.environment["SIPCALL_KILL_ROUNDS"].flatMap { Int($0) } ?? 5
    }

    /// Ends this process without a word at a random moment within `milliseconds`.
    private static func killSoon(_ milliseconds: Int) {
        Thread.detachNewThread {
            usleep(UInt32.random(in: 0..<UInt32(milliseconds * 1000)))
            kill(getpid(), SIGKILL)
        }
    }

    /// Writes a line that outlives this process.
    private static func note(_ line: String, in path: String) {
        let descriptor = Foundation.open(path, O_WRONLY | O_APPEND | O_CREAT, 0o600)
        _ = write(descriptor, line + "\n", line.utf8.count + 1)
        close(descriptor)
    }

    private static func noted(_ path: String) -> [Int] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").compactMap { Int($0) }
    }

    @Test("The core's spool while it appends and deletes")
    func spool() async throws {
        let place = try TestLedger()
        let directory = place.directory
        for round in 0..<Self.rounds {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [directory = directory as String, round = round as Int] in
                let key = OpeningKey().sealingKey
                let spool = try Spool("\(directory)/spool.sqlite")
                Self.killSoon(200)
                for index in 0... {
                    let number = round * 1_000_000 + index
                    try await spool.append(try key.seal(call(number)))
                    Self.note("\(number)", in: "\(directory)/appended")
                    if index % 5 == 4 {
                        let headers = try await spool.batch(count: 2).map(\.record.header)
                        for header in headers { Self.note("\(header.identifier)", in: "\(directory)/deleted") }
                        try await spool.acknowledge(headers)
                    }
                }
            }
        }
        let spool = try Spool("\(directory)/spool.sqlite")
        var (waiting, after): ([String], Int64) = ([], 0)
        while let batch = try? await spool.batch(after: after, count: 1000), let last = batch.last {
            waiting += batch.map(\.record.header.identifier.description)
            after = last.position
        }
        let deleted = Set(
            ((try? String(contentsOfFile: "\(directory)/deleted", encoding: .utf8)) ?? "").split(separator: "\n")
                .map { String($0) })
        let appended = Self.noted("\(directory)/appended").map { call($0).identifier.description }
        #expect(Set(waiting).count == waiting.count, "nothing doubled")
        #expect(Set(appended).subtracting(waiting).subtracting(deleted) == [], "nothing lost")
        try #require(appended.count > Self.rounds, "the rounds did something")
    }

    @Test("The ledger while it files, turns over, expires, erases, changes its key and writes its audit log")
    func ledger() async throws {
        let place = try TestLedger()
        let directory = place.directory
        try place.keyring.file.revealed.withUnsafeBytes { Data($0) }.write(to: URL(filePath: "\(directory)/master"))
        for round in 0..<Self.rounds {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [directory = directory as String, round = round as Int] in
                let store = try await Self.open(directory)
                Self.killSoon(400)
                for index in 0... {
                    let number = round * 1000 + index
                    // Dialled, then told again with its end: the same row.
                    try await store.file([call(number, .dialled), call(number)])
                    try await store.file([call(number)])
                    Self.note("\(number)", in: "\(directory)/filed")
                    let head = try await store.note(
                        AuditEntry(
                            time: hour(number), actor: Redacted("a"), action: "test.note", detail: Redacted("\(number)")
                        ))
                    Self.note("\(head.sequence)", in: "\(directory)/noted")
                    if index % 7 == 6 {
                        _ = try await store.erase(.number(Redacted("+4930999\(number)")), now: hour(0))
                        try await store.change(directory)
                    }
                }
            }
            let store = try await Self.open(directory)
            let verdicts = await store.verify()
            #expect(verdicts.allSatisfy { $0.problem == nil }, "\(verdicts)")
        }
        let store = try await Self.open(directory)
        let calls = try await store.all()
        let filed = Self.noted("\(directory)/filed").map { call($0).identifier }
        #expect(Set(calls.map(\.identifier)).count == calls.count, "nothing doubled")
        #expect(Set(filed).subtracting(calls.map(\.identifier)) == [], "nothing lost")
        let ended = Set(calls.filter { $0.stage == .ended }.map(\.identifier))
        #expect(Set(filed).subtracting(ended) == [], "and no end of a call either")
        #expect(try await store.auditPage(count: 1).first?.sequence ?? 0 >= Self.noted("\(directory)/noted").last ?? 0)
        try #require(filed.count > Self.rounds, "the rounds did something")
    }

    private static func open(_ directory: String) async throws -> LedgerStore {
        let keyring = try MasterKeyring(file: Redacted(Array(Data(contentsOf: URL(filePath: "\(directory)/master")))))
        var settings = LedgerSettings(directory: "\(directory)/ledger")
        settings.length = .day
        settings.largestFile = 30_000
        return try await LedgerStore.open(settings, keyring: keyring)
    }
}

extension LedgerStore {
    fileprivate func change(_ directory: String) throws {
        try changeMasterKey { keyring throws(Problem) in
            try PrivateBytes.replace("\(directory)/master", with: keyring.file.revealed)
        }
    }
}
