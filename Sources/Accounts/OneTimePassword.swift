import Crypto
package import FoundationEssentials
package import Wire

/// A time-based one-time password (RFC 6238): six digits of HMAC-SHA-1 for 30 s, as every authenticator app makes them.
package struct OneTimePassword: Sendable {
    /// Seconds that a code is shown.
    static let step = 30
    /// Steps to either side that are accepted: clocks of telephones are not exact (RFC 6238 §5.2).
    static let tolerance = 1

    private let secret: Redacted<[UInt8]>

    /// A new secret of 160 bits (RFC 4226 §4).
    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(secret: (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    init(secret: [UInt8]) {
        self.secret = Redacted(secret)
    }

    var bytes: [UInt8] { secret.revealed }

    /// The code of a moment.
    package func code(at moment: Date) -> Redacted<String> {
        Redacted(Self.digits(secret.revealed, counter: Self.counter(moment)))
    }

    /// Whether a code is one of this moment.
    ///
    /// - Parameters:
    ///   - text: blanks within do not matter.
    ///   - used: the step of the last code that was accepted; it and older ones are refused (RFC 6238 §5.2). One that lies ahead
    ///     counts for nothing: the clock was set back, and nobody may be shut out until it gets there again.
    /// - Returns: the step of the code, to be remembered; nil when it is wrong.
    package func verify(_ text: Redacted<String>, at moment: Date, used: Int64?) -> Int64? {
        let given = text.revealed.filter { !$0.isWhitespace }
        guard given.utf8.count == 6 else { return nil }
        let now = Self.counter(moment)
        let latest = now + Int64(Self.tolerance)
        let used = used.flatMap { $0 > latest ? nil : $0 } ?? -1
        for counter in (now - Int64(Self.tolerance))...latest where counter > used {
            let right = Self.digits(secret.revealed, counter: counter)
            if zip(right.utf8, given.utf8).reduce(UInt8(0), { $0 | ($1.0 ^ $1.1) }) == 0 { return counter }
        }
        return nil
    }

    /// What an authenticator app reads from a QR code (github.com/google/google-authenticator, Key URI Format).
    ///
    /// - Parameter box: whose account it is, as the app shows it.
    package func address(account: AccountName, box: String) -> Redacted<String> {
        let issuer = String(box.filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
        let label = issuer.isEmpty ? account.description : "\(issuer):\(account)"
        return Redacted(
            "otpauth://totp/\(label)?secret=\(Base32.encode(secret.revealed))"
                + (issuer.isEmpty ? "" : "&issuer=\(issuer)"))
    }

    /// The secret for typing, in groups of four.
    package var words: Redacted<String> {
        let text = Base32.encode(secret.revealed)
        let groups = stride(from: 0, to: text.count, by: 4).map { start in text.dropFirst(start).prefix(4) }
        return Redacted(groups.joined(separator: " "))
    }

    private static func counter(_ moment: Date) -> Int64 {
        // A clock that was never set gives a counter of its own, not a trap.
        let seconds = moment.timeIntervalSince1970
        guard seconds >= 0, seconds < 1e15 else { return 0 }
        return Int64(seconds) / Int64(step)
    }

    /// HOTP (RFC 4226 §5.3).
    private static func digits(_ secret: [UInt8], counter: Int64) -> String {
        let message = withUnsafeBytes(of: counter.bigEndian) { Array($0) }
        let code = Array(
            HMAC<Insecure.SHA1>.authenticationCode(for: message, using: SymmetricKey(data: secret)))
        let offset = Int(code[19] & 0x0f)
        let value = code[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        let text = String(value % 1_000_000)
        return String(repeating: "0", count: 6 - text.utf8.count) + text
    }
}

/// Base 32 without padding (RFC 4648 §6).
enum Base32 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
            }
            buffer &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 { text.append(alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
        return text
    }
}
