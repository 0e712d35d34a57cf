import Foundation
import SIP
import SIPMessage
import Testing
import Wire

/// Where the test data lies: beside the package's own folder.
enum Corpus {
    static func folder(_ name: String) -> URL? {
        let parent = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = parent.appendingPathComponent("shared/corpora/\(name)")
        guard FileManager.default.fileExists(atPath: folder.path) else {
            print("SKIPPED, NOTHING WAS TESTED: no test data at \(folder.path)")
            return nil
        }
        return folder
    }
}

private struct Vector: Decodable {
    var src: String
    var algorithm, username, realm, password, method, uri, nonce, response: String
    var nc: String?
    var cnonce: String?
    var qop: String?
}

@Suite("RFC 7616 and RFC 2617 digest authentication")
struct DigestTests {
    @Test("Responses are those of the RFCs' own examples")
    func vectors() throws {
        guard let folder = Corpus.folder("digest") else { return }
        let data = try Data(contentsOf: folder.appendingPathComponent("rfc2617_7616.json"))
        let vectors = try JSONDecoder().decode([Vector].self, from: data)
        var checked = 0
        for vector in vectors {
            guard let algorithm = DigestAlgorithm(token: vector.algorithm) else {
                #expect(vector.algorithm == "SHA-512-256")
                continue
            }
            let response = algorithm.response(
                user: vector.username, realm: vector.realm, password: vector.password, method: vector.method,
                uri: vector.uri, nonce: vector.nonce,
                session: vector.qop == nil ? nil : (UInt32(vector.nc ?? "", radix: 16) ?? 0, vector.cnonce ?? ""))
            #expect(response == vector.response, "\(vector.src)")
            checked += 1
        }
        #expect(checked == 4)
    }

    @Test("MD5-sess hashes A1 again with both nonces (RFC 2617 §3.2.2.2)")
    func session() {
        // Recomputed with hashlib: A1 = MD5(MD5("u:r:p"):"n":"c").
        let response = DigestAlgorithm.md5Session.response(
            user: "u", realm: "r", password: "p", method: "REGISTER", uri: "sip:r", nonce: "n",
            session: (1, "c"))
        #expect(response == "9fcc4392a91dc57e8c83c2241da62025")
    }

    @Test("Of several challenges the strongest known one is answered")
    func strongest() {
        let headers = [
            "Basic realm=\"a\"",
            "Digest realm=\"a\", nonce=\"1\", algorithm=MD5, qop=\"auth,auth-int\"",
            "Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"",
            "Digest realm=\"a\", nonce=\"3\", algorithm=SHA-512-256, qop=\"auth\"",
        ]
        let challenges = headers.flatMap { (try? Challenge.list($0)) ?? [] }
        #expect(challenges.count == 4)
        #expect(DigestChallenge.strongest(of: challenges)?.nonce == "2")
        #expect(DigestChallenge.strongest(of: [challenges[0], challenges[3]]) == nil)
    }

    @Test(
        "What cannot be answered is not tried",
        arguments: [
            "Digest", "Digest realm=\"a\"", "Digest nonce=\"n\"", "Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=MD5-sess",
            "Digest realm=\"a\", nonce=\"n\", algorithm=AKAv1-MD5",
        ])
    func unanswerable(header: String) throws {
        #expect(try DigestChallenge.strongest(of: Challenge.list(header)) == nil)
    }

    @Test("A challenge and its answer survive being written and read", arguments: DigestAlgorithm.allCases)
    func roundTrip(algorithm: DigestAlgorithm) throws {
        var random = SeededGenerator(seed: 1)
        let challenge = DigestChallenge(
            realm: "a \"b\" \\c", nonce: "n", opaque: "o", algorithm: algorithm, isStale: true)
        #expect(DigestChallenge.strongest(of: try Challenge.list(challenge.challenge.text)) == challenge)
        let credentials = DigestCredentials(
            answering: challenge, user: "al\"ice", password: "pass", method: .invite, uri: "sip:b@c", count: 0x1f,
            using: &random)
        let read = try #require(DigestCredentials(try Credentials(credentials.credentials.text)))
        #expect(read == credentials)
        #expect(read.session?.nonceCount == 0x1f)
        #expect(credentials.credentials.text.contains("nc=0000001f"))
        #expect(read.isRight(password: "pass", method: .invite))
        #expect(!read.isRight(password: "Pass", method: .invite))
        #expect(!read.isRight(password: "pass", method: .bye))
    }

    @Test("A nonce is counted up and starts anew with the next challenge")
    func counting() throws {
        var random = SeededGenerator(seed: 2)
        var answerer = DigestAnswerer()
        func next() -> DigestCredentials? {
            answerer.credentials(user: "u", password: "p", method: .register, uri: "sip:a", using: &random)
        }
        #expect(next() == nil)
        answerer.received(DigestChallenge(realm: "a", nonce: "1"))
        #expect(next()?.session?.nonceCount == 1)
        #expect(next()?.session?.nonceCount == 2)
        answerer.received(DigestChallenge(realm: "a", nonce: "2"))
        #expect(next()?.session?.nonceCount == 1)
    }
}

@Suite("RFC 7616 §5 digest verification by a server")
struct DigestVerifierTests {
    private func answer(_ challenge: DigestChallenge, password: String = "right", count: UInt32 = 1)
        -> DigestCredentials
    {
        var random = SeededGenerator(seed: 3)
        return DigestCredentials(
            answering: challenge, user: "u", password: password, method: .register, uri: "sip:a", count: count,
            using: &random)
    }

    @Test("Right passwords pass once per count; replays, wrong passwords and foreign realms do not")
    func verdicts() {
        var random = SeededGenerator(seed: 4)
        var verifier = DigestVerifier(realm: "a")
        let challenge = verifier.challenge(now: .zero, using: &random)
        func verdict(_ credentials: DigestCredentials) -> DigestVerifier.Verdict {
            verifier.verify(credentials, password: "right", method: .register, now: .seconds(1))
        }
        #expect(verdict(answer(challenge, password: "wrong")) == .refused)
        #expect(verdict(answer(challenge)) == .accepted)
        #expect(verdict(answer(challenge)) == .refused)
        #expect(verdict(answer(challenge, count: 2)) == .accepted)
        var foreign = challenge
        foreign.realm = "b"
        #expect(verdict(answer(foreign, count: 3)) == .refused)
        var forged = challenge
        forged.nonce = "made up"
        #expect(verdict(answer(forged)) == .stale)
    }

    @Test("A nonce grows stale with time")
    func stale() {
        var random = SeededGenerator(seed: 5)
        var verifier = DigestVerifier(realm: "a", algorithm: .md5, nonceLifetime: .seconds(10))
        let challenge = verifier.challenge(now: .zero, using: &random)
        let late = verifier.verify(answer(challenge), password: "right", method: .register, now: .seconds(10))
        #expect(late == .stale)
    }

    @Test("The number of remembered nonces is bounded; the oldest is forgotten first")
    func bounded() {
        var random = SeededGenerator(seed: 6)
        var verifier = DigestVerifier(realm: "a", limit: 100)
        let challenges = (0..<1_000).map { _ in verifier.challenge(now: .zero, using: &random) }
        let verdicts = challenges.map { challenge in
            verifier.verify(answer(challenge), password: "right", method: .register, now: .zero)
        }
        #expect(verdicts.prefix(900).allSatisfy { $0 == .stale })
        #expect(verdicts.suffix(100).allSatisfy { $0 == .accepted })
    }
}
