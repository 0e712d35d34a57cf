import Foundation
import Logging
import Testing
import Wire

@testable import WebAPI

/// An authority with one certificate between it and its customers, made by openssl(1).
private struct Authority {
    let folder: String

    init() throws {
        folder = try temporaryDirectory()
        try make("root", "/O=Test Authority/CN=Root", ["-x509", "-addext", "basicConstraints=critical,CA:TRUE"])
        try make("middle", "/O=Test Authority/CN=Middle")
        try sign("middle", by: "root", "basicConstraints=critical,CA:TRUE")
    }

    func text(_ names: String...) throws -> String {
        try names.map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }.joined()
    }

    /// `NAME.key` and `NAME.pem`, signed by `middle`.
    func customer(
        _ name: String, key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        extensions: String = "subjectAltName=DNS:phone.example.org,IP:192.0.2.1,IP:2001:db8::1", days: Int = 60
    ) throws {
        try make(name, "/CN=\(name)", key: key)
        try sign(name, by: "middle", extensions, days: days)
    }

    private func make(
        _ name: String, _ subject: String, _ more: [String] = [],
        key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ) throws {
        let isRequest = !more.contains("-x509")
        _ = try openssl(
            [
                "req", "-nodes", "-keyout", "\(folder)/\(name).key", "-out",
                "\(folder)/\(name).\(isRequest ? "csr" : "pem")",
            ]
                + ["-subj", subject] + key + more)
    }

    private func sign(_ name: String, by issuer: String, _ extensions: String, days: Int = 60) throws {
        try Data(extensions.utf8).write(to: URL(filePath: "\(folder)/\(name).ext"))
        _ = try openssl([
            "x509", "-req", "-in", "\(folder)/\(name).csr", "-CA", "\(folder)/\(issuer).pem", "-CAkey",
            "\(folder)/\(issuer).key", "-CAcreateserial", "-out", "\(folder)/\(name).pem", "-days", "\(days)",
            "-extfile",
            "\(folder)/\(name).ext",
        ])
    }
}

@Suite("A certificate that is given to the page")
struct GivenCertificateTests {
    @Test(
        "RSA and ECDSA keys are taken, names, issuer and end read",
        arguments: [
            ["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        ])
    func taken(key: [String]) async throws {
        let authority = try Authority()
        try authority.customer("page", key: ["-newkey"] + key)
        let given = try GivenCertificate(
            chain: authority.text("page.pem", "middle.pem"), key: Redacted(authority.text("page.key")))
        #expect(given.names == ["phone.example.org", "192.0.2.1", "2001:db8::1"])
        #expect(given.issuer == "Test Authority")
        #expect(abs(given.end.timeIntervalSinceNow - 60 * 86_400) < 3600)
        let print = try openssl(["x509", "-in", authority.folder + "/page.pem", "-noout", "-fingerprint", "-sha256"])
        #expect(print.contains(given.fingerprint))
        // No list of authorities knows this one.
        #expect(await !given.isVouchedFor())
        let again = try GivenCertificate(kept: String(decoding: try given.kept(), as: UTF8.self))
        #expect(again.fingerprint == given.fingerprint && again.chain.count == 2)
        _ = try again.context()
    }

    @Test("An EC key with a zero before it, as GnuTLS writes every second one, is the same key")
    func padded() throws {
        let authority = try Authority()
        try authority.customer("page")
        let path = authority.folder + "/page.der"
        _ = try openssl(["ec", "-in", authority.folder + "/page.key", "-outform", "DER", "-out", path])
        var der = Array(try Data(contentsOf: URL(filePath: path)))
        // SEQUENCE, INTEGER 1, OCTET STRING of 32 bytes (RFC 5915 §3).
        try #require(der.prefix(7).elementsEqual([0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20]))
        (der[1], der[6]) = (0x78, 0x21)
        der.insert(0, at: 7)
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        let key = "-----BEGIN EC PRIVATE KEY-----\n\(text)\n-----END EC PRIVATE KEY-----\n"
        let given = try GivenCertificate(chain: authority.text("page.pem", "middle.pem"), key: Redacted(key))
        _ = try given.context()
    }

    @Test("What browsers would refuse is refused with its own words")
    func refused() throws {
        let authority = try Authority()
        try authority.customer("page")
        try authority.customer("other")
        try authority.customer("mail", extensions: "subjectAltName=DNS:a.example.org\nextendedKeyUsage=emailProtection")
        try authority.customer("nameless", extensions: "basicConstraints=CA:FALSE")
        _ = try openssl([
            "pkey", "-in", authority.folder + "/page.key", "-aes256", "-passout", "pass:secret", "-out",
            authority.folder + "/secret.key",
        ])
        for (name, kind) in [
            ("ed", ["-newkey", "ed25519"]), ("large", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"]),
            ("small", ["-newkey", "rsa:1024"]),
        ] {
            try authority.customer(name, key: kind)
            let (chain, key) = (try authority.text(name + ".pem"), try authority.text(name + ".key"))
            #expect(throws: CertificateProblem.noKey) { try GivenCertificate(chain: chain, key: Redacted(key)) }
        }
        let (page, key) = (try authority.text("page.pem"), try authority.text("page.key"))
        let cases: [(String, String, String)] = [
            (page, try authority.text("other.key"), "certificate.other-key"),
            (try authority.text("middle.pem", "page.pem"), key, "certificate.other-key"),
            (try authority.text("page.pem", "root.pem"), key, "certificate.broken-chain"),
            (try authority.text("page.pem", "other.pem"), key, "certificate.broken-chain"),
            (page, try authority.text("secret.key"), "certificate.encrypted-key"),
            (page, page, "certificate.no-key"), (page, "", "certificate.no-key"), ("", key, "certificate.not-pem"),
            (key, key, "certificate.not-pem"), (String(page.dropLast(200)), key, "certificate.not-pem"),
            (page.replacingOccurrences(of: "A", with: "B"), key, "certificate.not-pem"),
            (String(repeating: page, count: 9), key, "certificate.too-large"),
            (page + String(repeating: " ", count: 70_000), key, "certificate.too-large"),
            (try authority.text("mail.pem"), try authority.text("mail.key"), "certificate.not-for-servers"),
            (try authority.text("nameless.pem"), try authority.text("nameless.key"), "certificate.without-names"),
        ]
        for (chain, key, code) in cases {
            #expect { _ = try GivenCertificate(chain: chain, key: Redacted(key)) } throws: { error in
                let found = (error as? Problem)?.code
                if found != code { Issue.record("\(found ?? "no problem") instead of \(code)") }
                return true
            }
        }
        for (days, code) in [(61.0, "certificate.expired"), (-2, "certificate.not-yet-valid")] {
            let now = Date.now.addingTimeInterval(days * 86_400)
            #expect { _ = try GivenCertificate(chain: page, key: Redacted(key), now: now) } throws: {
                ($0 as? Problem)?.code == code
            }
        }
    }

    @Test("No bent byte of chain or key is a crash")
    func hostile() throws {
        let authority = try Authority()
        try authority.customer("page")
        let (page, key) = (try authority.text("page.pem", "middle.pem"), try authority.text("page.key"))
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for turn in 0..<400 {
            var bytes = Array((turn % 4 == 0 ? key : page).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 28..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
            }
            let bent = String(decoding: bytes, as: UTF8.self)
            do {
                _ = try GivenCertificate(
                    chain: turn % 4 == 0 ? page : bent, key: Redacted(turn % 4 == 0 ? bent : key)
                ).context()
            } catch {
                refused += 1
            }
        }
        #expect(refused > 300)
    }
}

@Suite("The certificate of the page while it is served", .timeLimit(.minutes(2)))
struct ServedCertificateTests {
    @Test("A given one is served at once, after a start too, cuts no connection, and can be taken back")
    func swapped() async throws {
        let authority = try Authority()
        try authority.customer("page")
        try await withBox(handed: HandedSockets(https: [try listeningSocket()])) { box in
            let before = try await RawClient(port: box.port, tls: trusting())
            #expect(try await before.request("GET", "/").status == 200)
            let client = OperatorClient(
                path: box.stateDirectory + "/web.sock", notRunning: Problem(code: "test", sentence: ""))
            let own = try await client.json(.init("/api/v1/certificate"), as: CertificateState.self)
            #expect(own.isOwn && !own.isVouchedFor)
            #expect(try shown(at: box.port).contains(own.sha256))

            let gift = CertificateGift(
                chain: try authority.text("page.pem", "middle.pem"), key: Redacted(try authority.text("page.key")))
            let body = Array(try JSONEncoder().encode(gift))
            let given = try await client.json(
                .init("/api/v1/certificate", method: "PUT", body: body), as: CertificateState.self)
            #expect(!given.isOwn && given.names.first == "phone.example.org")
            #expect(try shown(at: box.port).contains(given.sha256))
            // Nobody's browser is told to insist on a certificate that it cannot know.
            #expect(try await before.request("GET", "/")["strict-transport-security"] == nil)

            let again = try ServedCertificate(in: box.stateDirectory, logger: Logger(label: "test"))
            #expect(again.fingerprint == given.sha256)
            let mode = try FileManager.default.attributesOfItem(atPath: box.stateDirectory + "/web/tls/given.pem")
            #expect(mode[.posixPermissions] as? Int == 0o600)

            let back = try await client.json(
                .init("/api/v1/certificate", method: "DELETE"), as: CertificateState.self)
            #expect(back.sha256 == own.sha256)
            #expect(try shown(at: box.port).contains(own.sha256))
        }
    }

    @Test("A page without a session changes nothing, nor does a broken certificate")
    func refused() async throws {
        let authority = try Authority()
        try authority.customer("page")
        try await withBox(handed: HandedSockets(https: [try listeningSocket()])) { box in
            let stranger = try await RawClient(port: box.port, tls: trusting())
            for (method, path) in [
                ("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/challenges/abc"), ("DELETE", "/challenges/abc"),
            ] {
                let status = try await stranger.request(method, "/api/v1/certificate" + path, body: "{}").status
                #expect([401, 403].contains(status), "\(method) \(path)")
            }
            let client = OperatorClient(
                path: box.stateDirectory + "/web.sock", notRunning: Problem(code: "test", sentence: ""))
            let gift = CertificateGift(
                chain: try authority.text("middle.pem"), key: Redacted(try authority.text("page.key")))
            let body = Array(try JSONEncoder().encode(gift))
            await #expect {
                _ = try await client.send(.init("/api/v1/certificate", method: "PUT", body: body))
            } throws: {
                ($0 as? Problem)?.code == "certificate.other-key"
            }
            #expect(!FileManager.default.fileExists(atPath: box.stateDirectory + "/web/tls/given.pem"))
        }
    }

    @Test("A damaged file of a given one: the box's own is served")
    func damaged() throws {
        let directory = try temporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory + "/web/tls", withIntermediateDirectories: true)
        for junk in [Data("junk".utf8), Data(), Data(repeating: 0xff, count: 300_000)] {
            try junk.write(to: URL(filePath: directory + "/web/tls/given.pem"))
            #expect(try ServedCertificate(in: directory, logger: Logger(label: "test")).certificate == nil)
        }
    }

    @Test("Port 80 answers an ACME server's challenge while it is asked for, and nothing else")
    func challenge() async throws {
        let http = try listeningSocket()
        try await withBox(handed: HandedSockets(https: [try listeningSocket()], http: [http])) { box in
            let client = OperatorClient(
                path: box.stateDirectory + "/web.sock", notRunning: Problem(code: "test", sentence: ""))
            let port = Int(try #require(http.address?.port))
            let place = "/api/v1/certificate/challenges/token-1_A"
            let body = Array(try JSONEncoder().encode(ChallengeAnswer(authorization: "token-1_A.print")))
            _ = try await client.send(.init(place, method: "PUT", body: body))
            let answer = try await RawClient(port: port).request("GET", "/.well-known/acme-challenge/token-1_A")
            #expect(answer.status == 200 && answer.body == Array("token-1_A.print".utf8))
            let other = try await RawClient(port: port).request("GET", "/.well-known/acme-challenge/token-2")
            #expect(other.status == 308)
            _ = try await client.send(.init(place, method: "DELETE"))
            let gone = try await RawClient(port: port).request("GET", "/.well-known/acme-challenge/token-1_A")
            #expect(gone.status == 308)
        }
    }

    @Test("The board of challenges: bounded, in time, and for tokens only")
    func board() throws {
        let board = ChallengeBoard()
        let start = MonotonicTime.now()
        for bad in [("", "."), ("a/b", "a/b.x"), ("a", "b.x"), ("a", "a"), ("a", "a.x.y"), ("a", "a.x\r\n")] {
            #expect(throws: Problem.self) { try board.put(bad.0, bad.1) }
        }
        for number in 0..<100 { try board.put("t\(number)", "t\(number).x", now: start + .milliseconds(number)) }
        #expect(board.answer(to: "/.well-known/acme-challenge/t0", now: start) == nil)
        #expect(board.answer(to: "/.well-known/acme-challenge/t99", now: start) == "t99.x")
        #expect(board.answer(to: "/.well-known/acme-challenge/t99", now: start + .seconds(3700)) == nil)
        #expect(board.answer(to: "/.well-known/acme-challenge/", now: start) == nil)
        #expect(board.answer(to: "/t99", now: start) == nil)
    }

    /// - Returns: what a TLS client is shown, with its SHA-256.
    private func shown(at port: Int) throws -> String {
        let connection = try openssl(["s_client", "-connect", "127.0.0.1:\(port)"])
        let file = try temporaryDirectory() + "/shown.pem"
        try Data(connection.utf8).write(to: URL(filePath: file))
        return try openssl(["x509", "-in", file, "-noout", "-fingerprint", "-sha256"])
    }
}
