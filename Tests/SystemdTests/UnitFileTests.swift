import Foundation
import Testing

@Suite("The units give a reason for what they restrict")
struct UnitFileTests {
    /// Three folders up from this file: the package.
    private static let units = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "systemd")
    /// What says itself why it is there.
    private static let plain: Set<Substring> = [
        "Type", "ExecStart", "ExecStopPost", "ExecReload", "Group", "Sockets", "Description",
    ]

    @Test("Each directive of [Service] has a comment of its own before it")
    func reasons() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.units.path)
            .filter { $0.hasSuffix(".service") }
        #expect(names.contains("sipcall-core.service") && names.contains("sipcall-web.service"))
        for name in names {
            let text = try String(contentsOf: Self.units.appending(path: name), encoding: .utf8)
            var (section, former, isExplained, count) = ("", Substring(), false, 0)
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                defer { isExplained = line.hasPrefix("#") }
                if line.hasPrefix("[") { section = String(line) }
                guard section == "[Service]", !line.hasPrefix("#"), let key = line.split(separator: "=").first,
                    line.contains("=")
                else {
                    if line.isEmpty { former = "" }
                    continue
                }
                // A list goes on under one comment.
                #expect(isExplained || key == former || Self.plain.contains(key), "\(name): \(line)")
                former = key == "LoadCredential" ? key : ""
                count += 1
            }
            #expect(count > 10, "\(name) was read")
        }
    }
}
