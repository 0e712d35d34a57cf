import Foundation
import Settings
import Testing

@Suite("What is known of providers")
struct ProviderPresetTests {
    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "rootfs/usr/share/sipcall/presets")

    private static func all() throws -> [ProviderPreset] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            try ProviderPreset(toml: String(contentsOf: folder.appending(path: $0), encoding: .utf8), file: $0)
        }
    }

    @Test("Every preset can be read, and each of its values has a source with a date")
    func presets() throws {
        let presets = try Self.all()
        #expect(
            presets.map(\.identifier) == [
                "generic-address", "generic-registration", "ovh", "plivo", "sipgate", "telekom-companyflex", "telnyx",
                "twilio", "voip-ms",
            ])
        for preset in presets {
            #expect(!preset.sources.isEmpty)
            for (key, source) in preset.sources {
                #expect(source.wholeMatch(of: /.+, 20\d\d-\d\d/) != nil, "\(preset.identifier): \(key)")
            }
            #expect(preset.identifier.hasPrefix("generic-") || !preset.servers.isEmpty || preset.serverPattern != nil)
        }
    }

    @Test("Values arrive as what they mean")
    func telnyx() throws {
        let preset = try #require(try Self.all().first { $0.identifier == "telnyx" })
        #expect(preset.transports == [.udp, .tcp, .tls])
        #expect(preset.mediaPorts == 16_384...32_768)
        #expect(preset.identity == .preferredIdentity)
        #expect(preset.expires == nil, "not published, so not guessed")
    }

    @Test(
        "What cannot be used names its line",
        arguments: [
            ("authentication = [\"registration\"]", "authentication = [\"magic\"]", 3, "provider.authentication"),
            ("authentication = [\"registration\"]", "authentication = []", 3, "provider.authentication"),
            ("expires = 300", "expires = 3", 5, "connection.expires"),
            ("expires = 300", "expire = 300", 5, "connection.expire"),
            ("authentication = \"example.net", "other = \"example.net", 6, "sources.authentication"),
            ("expires = \"example.net", "codecs = \"example.net", 6, "sources.expires"),
        ])
    func broken(good: String, bad: String, line: Int, key: String) throws {
        let text = """
            [provider]
            name = "Example"
            authentication = ["registration"]
            [connection]
            expires = 300
            [sources]
            authentication = "example.net, 2026-11"
            expires = "example.net, 2026-11"
            """
        #expect(try ProviderPreset(toml: text, file: "example.toml").expires == 300)
        try #require(text.contains(good))
        let error = #expect(throws: SettingsError.self) {
            try ProviderPreset(toml: text.replacing(good, with: bad), file: "example.toml")
        }
        #expect(error?.line == line)
        #expect(error?.key == key)
    }

    @Test("Neither size nor nonsense does harm", arguments: ["", "[", "[provider]\nname = 3", "\u{0}"])
    func nonsense(text: String) {
        #expect(throws: SettingsError.self) { try ProviderPreset(toml: text, file: "x.toml") }
        #expect(throws: SettingsError.self) {
            try ProviderPreset(toml: text + String(repeating: "#", count: 70_000), file: "x.toml")
        }
    }
}
