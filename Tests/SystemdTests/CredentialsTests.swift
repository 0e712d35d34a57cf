import Foundation
import Systemd
import Testing
import Wire

@Suite("systemd.exec(5) credentials")
struct CredentialsTests {
    private let folder: String

    init() throws {
        folder = try temporaryFolder()
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    }

    @Test("A credential is read whole, whatever its bytes", arguments: [0, 1, 32, 100_000, Credentials.largest])
    func read(size: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        try write(bytes, "trunk.password")
        let secret = try #require(try Credentials(directory: folder).read("trunk.password"))
        #expect(secret.revealed == bytes)
        #expect("\(secret)" == "‹redacted›")
    }

    @Test(
        "The core's unit hands over a password for each of the 16 accounts that there may be, and asks for none of them"
    )
    func accounts() throws {
        let unit = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "systemd/sipcall-core.service")
        let lines = try String(contentsOf: unit, encoding: .utf8).split(separator: "\n")
        for account in ["trunk"] + (2...16).map({ "trunk\($0)" }) {
            // A path that is not absolute may lead nowhere; an absolute one would keep the unit from starting.
            #expect(lines.contains("LoadCredential=\(account).password:sipcall.\(account).password"))
        }
    }

    @Test("What the unit does not hand over is nil")
    func missing() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try Credentials(directory: folder).read("trunk.password") == nil)
        #expect(try Credentials(directory: nil).read("trunk.password") == nil)
    }

    @Test("A name never leads out of the directory", arguments: ["", ".", "..", "../x", "a/b", "/etc/passwd"])
    func names(name: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try Credentials(directory: folder).read(name) == nil)
    }

    @Test("A credential that is there but of no use is an error that names it")
    func unreadable() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write([UInt8](repeating: 0, count: Credentials.largest + 1), "large")
        try FileManager.default.createDirectory(atPath: "\(folder)/folder", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "large")
        for name in ["large", "folder", "link"] {
            let problem = #expect(throws: Problem.self) { try Credentials(directory: folder).read(name) }
            #expect(problem?.code == "systemd.credential-unreadable")
            #expect(problem?.sentence.contains(name) == true)
        }
    }
}
