import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("What the web process hands over for a backup")
struct HandoverTests {
    @Test("The certificate in tls is in it; locks, the master key and links are not, and links are named")
    func files() throws {
        let state = try temporaryDirectory()
        for (path, text) in [
            ("tls/own.pem", "pem"), ("admin.json", "{}"), ("master.key", "secret"), ("ledger.lock", ""),
            ("crashes/1.json", "x"), ("unfinished.new", "x"),
        ] {
            let file = URL(filePath: "\(state)/web/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try FileManager.default.createSymbolicLink(
            atPath: "\(state)/web/tls/key.pem", withDestinationPath: "/etc/passwd")
        let folder = HandoverFolder(state: state)
        let target = try folder.makeEmpty(size: 0)
        #expect(try folder.copyFiles() == ["\(state)/web/tls/key.pem"])
        let names = try FileManager.default.subpathsOfDirectory(atPath: target).sorted()
        #expect(names == ["admin.json", "ledger", "tls", "tls/own.pem"])
        folder.remove()
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }
}
