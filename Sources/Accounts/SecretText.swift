import Crypto
import FoundationEssentials
import Wire

/// 256 random bits as text, and what is kept of them: their SHA-256, which needs no salt and no slowness.
struct SecretText: Sendable, Equatable {
    /// 43 characters of base64url (RFC 4648 §5).
    let text: Redacted<String>

    init() {
        var generator = SystemRandomNumberGenerator()
        self.init(bytes: (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    init(bytes: [UInt8]) {
        text = Redacted(base64URL(bytes))
    }

    var digest: Data { Self.digest(text.revealed) }

    static func digest(_ text: some StringProtocol) -> Data {
        Data(SHA256.hash(data: Data(text.utf8)))
    }

    static func == (left: Self, right: Self) -> Bool { left.text.revealed == right.text.revealed }
}

/// - Returns: nil for what ``base64URL(_:)`` does not write.
func bytesOfBase64URL(_ text: some StringProtocol) -> [UInt8]? {
    let plain = String(text).replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
    return Data(base64Encoded: plain + padding).map { Array($0) }
}

/// Without padding.
func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
