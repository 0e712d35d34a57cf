import Foundation
import Systemd
import Testing

/// Three folders up from this file: the package.
private let package = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
private let catalogFolder = package.appending(path: "rootfs/usr/lib/systemd/catalog")

@Suite("journalctl -x: every code of the box is explained")
struct CatalogTests {
    private static func catalog(_ name: String) throws -> Catalog {
        try Catalog(String(contentsOf: catalogFolder.appending(path: name), encoding: .utf8))
    }

    /// Every code that the box's sources can produce.
    private static func codesInSources() throws -> Set<String> {
        let code = try Regex(
            #"(?:"code"|\bcode(?:: String)?)(?::| =) "([a-z0-9.-]+)""#, as: (Substring, Substring).self)
        let reason = try Regex(#"case \w+ = "([a-z0-9.-]+)""#, as: (Substring, Substring).self)
        let event = try Regex(#""event": "([a-z0-9.-]+)""#, as: (Substring, Substring).self)
        var codes: Set<String> = []
        let sources = package.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(atPath: sources.path))
        for case let path as String in files where path.hasSuffix(".swift") && !path.hasPrefix("DemoCarrier") {
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            codes.formUnion(text.matches(of: code).map { String($0.output.1) })
            codes.formUnion(text.matches(of: event).map { "event.\($0.output.1)" })
            if path.hasSuffix("/EndReason.swift") {
                codes.formUnion(text.matches(of: reason).map { String($0.output.1) })
            }
            if path.hasSuffix("/BoxEvent.swift") {
                // These have no line, or always a code that says more.
                let others = [
                    "box.heartbeat", "call.digit", "call.refused", "call.notice", "call.ended", "trunk.failed",
                ]
                let kinds = Set(text.matches(of: reason).map { String($0.output.1) }).subtracting(others)
                codes.formUnion(kinds.map { "event.\($0)" })
            }
        }
        return codes
    }

    @Test("Every code in the sources has an identifier, and every identifier a code")
    func table() throws {
        let codes = try Self.codesInSources()
        try #require(codes.count > 50, "the sources were read")
        #expect(codes.contains("call.busy") && codes.contains("settings.invalid"))
        #expect(codes.subtracting(MessageIdentifiers.all.keys) == [])
        #expect(Set(MessageIdentifiers.all.keys).subtracting(codes) == [])
    }

    @Test("Every line of warning and above has a code")
    func warnings() throws {
        // `log.warning(…)`, `Logger(…).critical(…)`, and `error(…)` within an extension of Logger, up to its last parenthesis.
        let call = try Regex(#"(?:\b[lL]og(?:ger)?\.|\)\.|^ *)(?:warning|error|critical)\(\s*""#)
            .anchorsMatchLineEndings()
        let sources = package.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(atPath: sources.path))
        var count = 0
        for case let path as String in files where path.hasSuffix(".swift") && !path.hasPrefix("DemoCarrier") {
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            for match in text.matches(of: call) {
                var depth = 0
                let open = text[match.range].lastIndex(of: "(") ?? match.range.lowerBound
                let statement = text[open...].prefix { character in
                    if character == "(" { depth += 1 }
                    if character == ")" { depth -= 1 }
                    return depth > 0
                }
                count += 1
                #expect(statement.contains(#""code": ""#), "\(path): \(statement.prefix(120))")
            }
        }
        #expect(count > 25, "the sources were read: \(count)")
    }

    @Test("Identifiers are 128 bits in lower-case hexadecimal and differ")
    func identifiers() {
        let identifiers = MessageIdentifiers.all.values
        #expect(Set(identifiers).count == identifiers.count)
        for identifier in identifiers {
            #expect(identifier.utf8.count == 32 && identifier.utf8.allSatisfy("0123456789abcdef".utf8.contains))
        }
        // Published once, it stays: scripts and alerts of other people search for it.
        #expect(MessageIdentifiers.identifier(of: "call.busy") == "8f1d7c9e24ef4e18a725fc5fcc2aa45d")
        #expect(MessageIdentifiers.identifier(of: "trunk.password-wrong") == "364f1b497e034348ac28a3e33ea00f5f")
    }

    @Test(
        "Each language explains each code: a subject, why it happened, what to do",
        arguments: zip(["sipcall.catalog", "sipcall.de.catalog"], ["What to do: ", "Abhilfe: "]))
    func texts(file: String, remedy: String) throws {
        let entries = try Self.catalog(file).entries
        #expect(Set(entries.map(\.identifier)).count == entries.count, "each identifier once")
        let explained = Dictionary(entries.map { ($0.code, $0.identifier) }) { first, _ in first }
        #expect(explained == MessageIdentifiers.all)
        for entry in entries {
            let subject = entry.header["Subject"] ?? ""
            #expect(!subject.isEmpty && subject.count <= 78 && !subject.hasSuffix("."), "\(entry.code)")
            #expect(entry.header["Defined-By"] == "SIPCall", "\(entry.code)")
            #expect(Set(entry.header.keys) == ["Subject", "Defined-By"], "\(entry.code)")
            #expect(entry.paragraphs.count >= 2, "\(entry.code)")
            #expect(entry.paragraphs.first?.hasPrefix(remedy) == false, "\(entry.code)")
            #expect(entry.paragraphs.dropFirst().first?.hasPrefix(remedy) == true, "\(entry.code)")
        }
    }

    @Test("systemd's own compiler takes both files and finds every entry in them")
    func compiled() throws {
        let program = "/usr/bin/journalctl"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            print("CatalogTests: \(program) is not installed; the strict reader alone has checked the catalogs")
            return
        }
        let root = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: root) }
        for folder in ["usr/lib/systemd", "var/lib/systemd/catalog"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: catalogFolder.path, toPath: "\(root)/usr/lib/systemd/catalog")
        let update = try run(program, ["--root", root, "--update-catalog"], debug: true)
        #expect(update.status == 0, "\(update.output)")
        #expect(update.output.contains("Found \(MessageIdentifiers.all.count * 2) items"), "\(update.output)")
        let list = try run(program, ["--root", root, "--list-catalog"], debug: false)
        for (code, identifier) in MessageIdentifiers.all {
            #expect(list.output.contains("\(identifier) SIPCall: "), "\(code)")
        }
    }

    private func run(
        _ program: String, _ arguments: [String], debug: Bool
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = [
            "LC_ALL": "C.UTF-8", "SYSTEMD_LOG_LEVEL": debug ? "debug" : "info", "SYSTEMD_PAGER": "cat",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

@Suite("The catalog's reader in these tests")
struct CatalogReaderTests {
    private static let good = "# a.b\n-- 00000000000000000000000000000001\nSubject: S\n\nWhy\nso.\n\nWhat to do: x.\n"

    @Test("Reads an entry")
    func reads() throws {
        let entry = try #require(try Catalog(Self.good).entries.first)
        #expect(entry.code == "a.b" && entry.header == ["Subject": "S"])
        #expect(entry.paragraphs == ["Why so.", "What to do: x."])
    }

    @Test(
        "Refuses what systemd would read differently",
        arguments: [
            ("-- 0000", "-- 000x"), ("Subject: S", "Subject"), ("Why\n", "Why\n# no\n"), ("Why\n", "; no\n"),
            ("# a.b\n", "text\n"), ("so.\n", "so.\n-- 00000000000000000000000000000002\n"),
        ])
    func refuses(part: String, broken: String) {
        #expect(throws: Catalog.Fault.self) {
            try Catalog(Self.good.replacing(part, with: broken, maxReplacements: 1))
        }
    }
}
