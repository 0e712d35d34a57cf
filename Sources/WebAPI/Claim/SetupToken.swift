import Crypto
import FoundationEssentials
import Wire

/// The secret by which somebody shows that the new box is theirs: told where only its owner looks, good for one claim.
///
///     live ──right──▶ (the claim)
///      │ ├──wrong ten times──▶ burnt
///      └─┴──a day is over────▶ ended          from both only a new token leads back
///
/// What is kept of it is its SHA-256: 140 random bits need neither salt nor slowness.
struct SetupToken: Sendable {
    static let lifetime: Duration = .seconds(86_400)
    static let mostWrong = 10

    enum Verdict: Equatable, Sendable {
        case right
        /// `isLast`: it is burnt now.
        case wrong(isLast: Bool)
        /// Burnt or too old: nothing was compared.
        case ended
    }

    /// nil once it is burnt.
    private var digest: SHA256Digest?
    private let end: MonotonicTime
    private var wrong = 0

    /// - Parameter text: what ``make()`` returned.
    init(_ text: Redacted<String>, now: MonotonicTime) {
        digest = Self.digest(text)
        end = now + Self.lifetime
    }

    /// Looks at what somebody gave for the token.
    mutating func check(_ text: Redacted<String>, now: MonotonicTime) -> Verdict {
        guard let digest, now < end else { return .ended }
        // Digests are compared in constant time; and how much of a digest is right tells nothing of the token.
        if Self.digest(text) == digest { return .right }
        wrong += 1
        let isLast = wrong >= Self.mostWrong
        if isLast { self.digest = nil }
        return .wrong(isLast: isLast)
    }

    /// Seven groups of four of Crockford's 32 characters: no two look alike, so that it can be typed from a screen.
    static func make() -> Redacted<String> {
        var generator = SystemRandomNumberGenerator()
        let groups = (0..<7).map { _ in
            String((0..<4).compactMap { _ in alphabet.randomElement(using: &generator) })
        }
        return Redacted(groups.joined(separator: "-"))
    }

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// Hyphens, blanks and capitals do not matter, nor do letters that are read for digits.
    private static func digest(_ text: Redacted<String>) -> SHA256Digest {
        let typed = text.revealed.lowercased().utf8.compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"): nil
            case UInt8(ascii: "o"): UInt8(ascii: "0")
            case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
            default: byte
            }
        }
        return SHA256.hash(data: typed)
    }
}
