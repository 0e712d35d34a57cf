import FoundationEssentials
import Testing
import Wire

@testable import Accounts

@Suite struct OneTimePasswordTests {
    /// RFC 6238, Appendix B, the SHA-1 rows; their last six digits.
    @Test(
        arguments: zip(
            [59, 1_111_111_109, 1_111_111_111, 1_234_567_890, 2_000_000_000, 20_000_000_000] as [Double],
            ["287082", "081804", "050471", "005924", "279037", "353130"]))
    func codesOfTheRFC(seconds: Double, code: String) {
        let password = OneTimePassword(secret: Array("12345678901234567890".utf8))
        #expect(password.code(at: Date(timeIntervalSince1970: seconds)).revealed == code)
    }

    @Test func aCodeIsGoodOnceAndForOneStepToEitherSide() throws {
        let password = OneTimePassword()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let code = password.code(at: now)
        let step = try #require(password.verify(code, at: now, used: nil))
        #expect(password.verify(code, at: now, used: step) == nil)
        #expect(password.verify(code, at: now.addingTimeInterval(30), used: nil) == step)
        #expect(password.verify(code, at: now.addingTimeInterval(-30), used: nil) == step)
        #expect(password.verify(code, at: now.addingTimeInterval(61), used: nil) == nil)
        // The clock was ahead when the last code was taken, and was set back.
        #expect(password.verify(code, at: now, used: step + 100_000) == step)
        let spaced = code.revealed.prefix(3) + " " + code.revealed.dropFirst(3)
        #expect(password.verify(Redacted(String(spaced)), at: now, used: nil) == step)
    }

    @Test(arguments: ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "🙂"])
    func otherTextsAreWrong(text: String) {
        #expect(OneTimePassword().verify(Redacted(text), at: .now, used: nil) == nil)
    }

    @Test(arguments: [-1e300, -1, 0, 1e300, .infinity, .nan] as [Double])
    func noClockTraps(seconds: Double) {
        _ = OneTimePassword().verify(Redacted("000000"), at: Date(timeIntervalSince1970: seconds), used: .max)
        _ = OneTimePassword().verify(Redacted("000000"), at: Date(timeIntervalSince1970: seconds), used: .min)
    }

    /// RFC 4648, §10.
    @Test(
        arguments: zip(
            ["f", "fo", "foo", "foob", "fooba", "foobar"], ["MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"])
    )
    func base32OfTheRFC(text: String, encoded: String) {
        #expect(Base32.encode(Array(text.utf8)) == encoded)
    }

    @Test func theAddressNamesBoxAndAccount() throws {
        let password = OneTimePassword(secret: Array("12345678901234567890".utf8))
        #expect(
            try password.address(account: "anna".account, box: "Bei uns & drüben").revealed
                == "otpauth://totp/Beiunsdrben:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Beiunsdrben")
        #expect(password.words.revealed == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")
    }
}
