import Foundation
import Testing
import Wire

@testable import Appliance

@Suite("A crash leaves a report")
struct CrashReportTests {
    private let place: String

    init() throws {
        place = FileManager.default.temporaryDirectory.appending(path: "appliance-\(UUID())").path
        for folder in ["run", "state"] {
            try FileManager.default.createDirectory(atPath: "\(place)/\(folder)", withIntermediateDirectories: true)
        }
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(place)/run/\(name)"))
    }

    private func collect() -> Problem? {
        CrashReports(stateDirectory: "\(place)/state").collect(part: "core", from: "\(place)/run")
    }

    private var reports: [CrashReport] { CrashReports.read("\(place)/state").map(\.report) }

    private static let backtrace = """
        *** Program crashed: Bad pointer dereference at 0x0000000000006025 ***

        Thread 0 "sipcall" crashed:

        0      0x00007f7f3465a301
        1 [ra] 0x000055fd9312cc69
        2      ...

        rax 0x0123456789abcdef 01 23 45 67

        Thread 1 "media 0":

        0      0x00007f7f3465a302

        Images (20 omitted):

        0x000055fd91b4b000–0x000055fd93dc65f0 ebf71b93 sipcall   /usr/bin/sipcall
        0x00007f7f3461e000–0x00007f7f347990fc 93ac61ec libc.so.6 /usr/lib/libc.so.6
        """

    @Test("with signal, uptime, activity, hung part and every thread's code places, and nothing else")
    func whole() throws {
        let note = RunningNote(
            version: "0.1.0", directory: "\(place)/run", now: MonotonicTime(nanoseconds: 100_000_000_000))
        note.isDoing("registered, 2 calls")
        note.hangs("sip")
        note.hangs("media loop 0")
        note.hangs("switchboard")
        note.hangs("media loop 0")
        note.answers("sip")
        try write(Self.backtrace, "backtrace")
        try write("watchdog dumped ABRT 11000\n", "end")
        let problem = try #require(collect())
        #expect(problem.code == "box.crashed")
        #expect(
            problem.sentence == "sipcall-core ended by SIGABRT after 3 h, because its media loop 0 and switchboard "
                + "no longer answered.")
        let report = try #require(reports.first)
        #expect(report.hungParts == ["media loop 0", "switchboard"] && report.hungPart == "media loop 0")
        #expect(report.version == "0.1.0" && report.activity == "registered, 2 calls" && report.result == "watchdog")
        #expect(report.threads.map(\.name) == ["sipcall", "media 0"])
        #expect(report.threads.map(\.crashed) == [true, false])
        #expect(report.threads.first?.frames == ["libc.so.6+0x3c301", "sipcall+0x15e1c69"])
        #expect(report.images.map(\.buildID) == ["ebf71b93", "93ac61ec"])
        #expect(report.text.contains("sipcall+0x15e1c69"))
        let file = try #require(CrashReports.read("\(place)/state").first?.file)
        #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("123456789abcdef"))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(collect() == nil, "once")
    }

    @Test("but an end in order leaves none")
    func clean() {
        _ = RunningNote(version: "0.1.0", directory: "\(place)/run")
        #expect(collect() == nil)
        #expect(reports == [])
    }

    @Test("whatever is broken in the notes", arguments: ["", "a b", "exit-code exited 1 x", "signal killed KILL 9 9"])
    func broken(end: String) throws {
        try write(end, "end")
        try write("{", "running.json")
        try write("Thread\n0x–0x a b\n1 0xffffffffffffffffff\nThread 0 \"\n0 0x1\n", "backtrace")
        if collect() != nil {
            let report = try #require(reports.first)
            #expect(report.end == "exit status 1" && report.version == "unknown" && report.uptimeSeconds == nil)
        }
    }

    @Test("of at most 256 KiB, and the newest ten are kept")
    func bounded() throws {
        let folder = "\(place)/state/crashes"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for day in 10...29 { try Data("{}".utf8).write(to: URL(filePath: "\(folder)/200101\(day)T000000Z.json")) }
        try write(String(repeating: "Thread 0 \"x\" crashed:\n0 0x1\n", count: 50_000), "backtrace")
        try write("signal killed KILL 5\n", "end")
        #expect(collect() != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 10)
        #expect(reports.count == 1, "what is broken is passed over")
    }
}
