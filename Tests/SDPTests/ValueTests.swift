import SDP
import Testing
import Wire

@Suite("RFC 8839 §5.4 ICE credentials")
struct ICECredentialsTests {
    @Test("made ones are long enough, of ice-chars, differ, and stay out of text")
    func made() {
        var generator = SeededGenerator(seed: 1)
        var seen: Set<String> = []
        for _ in 0..<1_000 {
            let credentials = ICECredentials(using: &generator)
            #expect(credentials.usernameFragment.utf8.count == 8)
            #expect(credentials.password.revealed.utf8.count == 24)
            #expect(
                ICECredentials(
                    usernameFragment: credentials.usernameFragment, password: credentials.password.revealed)
                    == credentials)
            #expect(seen.insert(credentials.usernameFragment).inserted)
            #expect(!"\(credentials)".contains(credentials.password.revealed))
        }
    }

    @Test(
        "lengths and letters are checked",
        arguments: [
            ("abc", 22, false), ("abcd", 22, true), ("abcd", 21, false), ("abcd", 256, true), ("abcd", 257, false),
            ("a:cd", 22, false), ("äbcd", 22, false), ("s/0+", 30, true),
            (String(repeating: "f", count: 257), 22, false),
        ])
    func bounds(fragment: String, passwordLength: Int, valid: Bool) {
        let password = String(repeating: "p", count: passwordLength)
        #expect((ICECredentials(usernameFragment: fragment, password: password) != nil) == valid)
    }
}

@Suite("RFC 8122 §5 fingerprints")
struct FingerprintTests {
    private let colons = (0..<32).map { _ in "aB" }.joined(separator: ":")

    @Test("text and bytes agree, letters in either case")
    func roundTrip() throws {
        let fingerprint = try #require(Fingerprint(sdp: "SHA-256 \(colons)"))
        #expect(fingerprint.algorithm == "sha-256")
        #expect(fingerprint.bytes == [UInt8](repeating: 0xab, count: 32))
        #expect(fingerprint.description == "sha-256 \(colons.uppercased())")
        #expect(Fingerprint(sdp: fingerprint.description) == fingerprint)
        for (name, count) in [("sha-384", 48), ("sha-512", 64)] {
            let longer = try #require(Fingerprint(algorithm: name, bytes: (0..<UInt8(count)).map { $0 }))
            #expect(Fingerprint(sdp: longer.description) == longer)
        }
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "sha-256", "sha-1 AA:BB", "md5 AA", "sha-256 AA", "sha-256 :::",
            "sha-512 \((0..<32).map { _ in "AA" }.joined(separator: ":"))",
            "sha-256 \((0..<32).map { _ in "+A" }.joined(separator: ":"))",
            "sha-256 \((0..<32).map { _ in "GG" }.joined(separator: ":"))",
            "sha-256 \((0..<33).map { _ in "AA" }.joined(separator: ":"))",
            "sha-256 \(String(repeating: "AA:", count: 10_000))",
        ])
    func refused(text: String) {
        #expect(Fingerprint(sdp: text) == nil)
    }
}

@Suite("RFC 3264 §5.1 directions")
struct MediaDirectionTests {
    @Test("the other end's view of the other end's view is one's own", arguments: MediaDirection.allCases)
    func mirrored(direction: MediaDirection) {
        #expect(direction.mirrored.mirrored == direction)
        #expect(direction.mirrored.sends == direction.receives)
        #expect(direction.mirrored.receives == direction.sends)
    }
}
