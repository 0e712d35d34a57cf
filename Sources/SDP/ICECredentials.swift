package import Wire

/// One side's short-term credential for connectivity checks (RFC 8839 §5.4): `a=ice-ufrag` and `a=ice-pwd`.
package struct ICECredentials: Hashable, Sendable, Codable {
    /// 4...256 ice-chars; made here: 8, which no other call on the box has but for a chance of 2⁻⁴⁸.
    package let usernameFragment: String
    /// 22...256 ice-chars; made here: 24, 144 random bits (RFC 8445 §5.3 asks for 128).
    package let password: Redacted<String>

    package init(using generator: inout some RandomNumberGenerator) {
        usernameFragment = Self.randomText(count: 8, using: &generator)
        password = Redacted(Self.randomText(count: 24, using: &generator))
    }

    /// - Returns: nil unless both keep to RFC 8839's lengths and letters.
    package init?(usernameFragment: String, password: String) {
        guard (4...256).contains(usernameFragment.utf8.count), usernameFragment.utf8.allSatisfy(Self.isICECharacter),
            (22...256).contains(password.utf8.count), password.utf8.allSatisfy(Self.isICECharacter)
        else { return nil }
        self.usernameFragment = usernameFragment
        self.password = Redacted(password)
    }

    /// `ALPHA / DIGIT / "+" / "/"`: exactly 64 letters, so each carries 6 random bits.
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func isICECharacter(_ byte: UInt8) -> Bool {
        alphabet.contains(byte)
    }

    private static func randomText(count: Int, using generator: inout some RandomNumberGenerator) -> String {
        String(
            decoding: (0..<count).map { _ in alphabet[Int.random(in: 0..<64, using: &generator)] }, as: UTF8.self)
    }
}
