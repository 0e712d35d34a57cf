import FoundationEssentials
package import Wire

/// Ten codes that each take the place of a one-time password once: for the day the telephone is lost.
package struct RecoveryCodes: Sendable {
    package static let count = 10
    private static let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
    private static let letters = 12

    /// `xxxx-xxxx-xxxx`, 59 random bits each; shown once.
    package let codes: Redacted<[String]>
    let digests: [Data]

    package init() {
        var generator = SystemRandomNumberGenerator()
        var codes: [String] = []
        for _ in 0..<Self.count {
            let letters = (0..<Self.letters).compactMap { _ in Self.alphabet.randomElement(using: &generator) }
            codes.append(
                stride(from: 0, to: letters.count, by: 4).map { String(letters[$0..<min($0 + 4, letters.count)]) }
                    .joined(separator: "-"))
        }
        self.codes = Redacted(codes)
        digests = codes.map(Self.digest)
    }

    /// Capitals, blanks and the hyphen do not matter.
    static func digest(_ text: String) -> Data {
        SecretText.digest(text.lowercased().filter { alphabet.contains($0) })
    }
}
