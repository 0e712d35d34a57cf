import Crypto
import Foundation
import Testing

@testable import WebAPI

@Suite("ISO/IEC 18004: QR codes")
struct QRCodeTests {
    /// SHA-256 of the rows that qrcode 8.2 (pypi.org/project/qrcode) makes of the same text, at level M, under masks 0 to 7.
    private static let known: [(text: String, mask: Int, rows: String)] = [
        ("hello", 0, "52a7aa67e7296ede539d6be86579c7180e3b6d417445712ae8bd314c1818458a"),
        ("hello", 5, "aab8a0a72b21c8c63c7d29fb79889a5cf663a94745c683d332f8ca36b6c93d79"),
        (address("anna"), 0, "c4c608d4cb9d14c7e0905423c51253b2730d1ab9bb8f027d121aed2c187a8538"),
        (address("anna"), 1, "b45a71382f700fee604be736454868b6d160d9aa2a7aff595d8ce9a6e3282c64"),
        (address("anna"), 2, "9537e4af1bd841383210294d36b58531bbcc27f3ac415a2cc6f24c23387a3353"),
        (address("anna"), 3, "1a04f1e189f929131b70e9c07394525e0654191f7426bd8f5776a9bc0d076505"),
        (address("anna"), 4, "aeb7c3183b6a725ccd46f6606b659e64a5bb2a833ea902b711082c7cd6862a6d"),
        (address("anna"), 5, "82d0ae3ca01db5bf2224e76e15a608bd7da4ffb799d7363d9c4fe68abd1208d5"),
        (address("anna"), 6, "df00a76a863b85828cf88e5d14b642de8d1363756883301ad5c753a6ce0eb25d"),
        (address("anna"), 7, "10b870dc430a41f0a6639fe0adb41ab3b4e476278e326ce99bf3e35e17c25b99"),
        // Version 8: several blocks, and the version's own bits.
        (
            address(String(repeating: "a", count: 64)), 3,
            "a467b2cf889976dbe9270d6991c356bca4a2135c90402ce92ec8891187b5e36b"
        ),
    ]

    private static func address(_ name: String) -> String {
        "otpauth://totp/SIPCall:\(name)?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=SIPCall"
    }

    @Test("They are those of another maker, module for module", arguments: known)
    func modules(known: (text: String, mask: Int, rows: String)) throws {
        let code = try #require(QRCode(known.text, mask: known.mask))
        let digest = SHA256.hash(data: Data(code.rows.joined(separator: "\n").utf8))
        #expect(digest.map { String(format: "%02x", $0) }.joined() == known.rows)
    }

    @Test("Every length fits or is refused", arguments: 0...200)
    func lengths(count: Int) {
        let code = QRCode(String(repeating: "x", count: count))
        #expect((code != nil) == (count <= 180))
        #expect(Set(code?.rows.map(\.count) ?? []).count <= 1)
    }
}
