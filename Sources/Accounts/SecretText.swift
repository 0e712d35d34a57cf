import Crypto
import FoundationEssentials
import Wire

/// 256 random bits as text, and what is kept of them: their SHA-256, which needs no salt and no slowness.
struct SecretText: Sendable, Equatable {
    /// 43 characters of base64url (RFC 4648 §5).
    let text: Redacted<String>

    init() {
        var generator = SystemRandomNumberGenerator()
        text = Redacted(base64URL((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }))
    }

    var digest: Data { Self.digest(text.revealed) }

    static func digest(_ text: some StringProtocol) -> Data {
        Data(SHA256.hash(data: Data(text.utf8)))
    }

    static func == (left: Self, right: Self) -> Bool { left.text.revealed == right.text.revealed }
}

/// Without padding.
func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
