import Foundation
import Systemd
import Testing

@Suite("The page has German words for whatever it may have to show")
struct PageLanguageTests {
    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "rootfs/usr/share/sipcall/www/language")

    /// What only a terminal or the journal shows.
    private static let neverOnPage: Set<String> = [
        "call.no-page-open", "call.pages-busy", "call.provider-sdp-unusable", "call.too-many-ring",
        "core.message-too-large", "core.not-supported", "core.unexpected-reply", "trunk.less-safe-way", "trunk.none",
        "trunk.registering", "web.body-too-large", "web.cannot-listen", "web.cannot-take-connection",
        "web.certificate-file", "web.does-not-serve", "web.method-not-allowed", "web.bad-audit-query",
        "web.bad-totals-query", "web.bad-verify-query",
        "web.no-answer", "web.no-handover", "web.not-operator", "web.not-running", "web.operator-socket",
        "web.other-version", "web.no-https", "web.not-found",
        "web.not-json", "web.other-origin", "web.page-missing", "web.password-note",
        "web.own-certificate-damaged", "web.place-not-kept", "web.port-in-use",
        "web.sessions-not-kept", "web.upgrade-needed",
    ]

    /// The keys of a table: at the beginning of a line, in quotes or not.
    private static func keys(_ file: String) throws -> Set<String> {
        let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        let key = try Regex(#"(?m)^  '?([a-zA-Z][a-zA-Z0-9.-]*)'?: "#, as: (Substring, Substring).self)
        return Set(text.matches(of: key).map { String($0.output.1) })
    }

    @Test("Every English text has a German one")
    func texts() throws {
        let english = try Self.keys("en.js")
        try #require(english.count > 40, "the table was read")
        #expect(english.subtracting(try Self.keys("de.js")) == [])
    }

    @Test("Every code that a page can be told of has German words")
    func codes() throws {
        let shown = MessageIdentifiers.all.keys.filter { code in
            ["call.", "trunk.", "core.", "phone.", "web."].contains(where: code.hasPrefix)
        }
        try #require(shown.count > 40)
        #expect(Set(shown).subtracting(Self.neverOnPage).subtracting(try Self.keys("de.js")) == [])
    }
}
