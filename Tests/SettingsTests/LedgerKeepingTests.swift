import Settings
import Testing

@Suite("How long records of calls are kept")
struct LedgerKeepingTests {
    private func keeping(_ text: String) throws -> LedgerKeeping {
        try BoxSettings(toml: "[ledger]\n\(text)", file: "test", readSecret: { _ in nil }).ledger
    }

    @Test("Without a word: by month, for ever, 4 GiB")
    func silent() throws {
        #expect(try keeping("") == LedgerKeeping())
        #expect(LedgerKeeping().days == nil && LedgerKeeping().megabytes == 4096)
    }

    @Test("What is said holds")
    func said() throws {
        let keeping = try keeping("period = \"day\"\nkeep_days = 90\nmegabytes = 512\nfar_numbers = \"last-two\"")
        #expect(keeping.farNumbers == .lastTwo && LedgerKeeping().farNumbers == .full)
        #expect(keeping.period == .day && keeping.days == 90 && keeping.megabytes == 512)
    }

    @Test(
        "What makes no sense is refused with its line",
        arguments: [
            "period = \"year\"", "keep_days = 0", "keep_days = 36501", "megabytes = 1", "colour = 1",
            "far_numbers = \"some\"",
        ])
    func refused(text: String) {
        let error = #expect(throws: SettingsError.self) { try keeping(text) }
        #expect(error?.line == 2)
    }
}
