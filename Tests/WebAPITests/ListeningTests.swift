import Control
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import Wire

@testable import WebAPI

@Suite("Sockets that were handed over, TLS and the way to it", .timeLimit(.minutes(5)))
struct ListeningTests {
    @Test("The page over TLS: 1.2 and 1.3, a cookie that stays on TLS, and the phone socket")
    func https() async throws {
        let socket = try listeningSocket()
        try await withBox(handed: HandedSockets(https: [socket])) { box in
            for version in [TLSVersion.tlsv12, .tlsv13] {
                let client = try await RawClient(port: box.port, tls: trusting(minimum: version, maximum: version))
                let page = try await client.request("GET", "/")
                #expect(page.status == 200)
                #expect(page["date"]?.hasSuffix("GMT") == true)
            }
            let client = try await RawClient(port: box.port, tls: trusting())
            let answer = try await client.request(
                "POST", "/api/v1/session", headers: ["Origin: https://127.0.0.1"],
                body: #"{"user":"admin","password":"\#(Box.password)"}"#)
            #expect(answer.status == 200)
            #expect(answer["set-cookie"]?.contains("; Secure") == true)
            let phone = try await RawClient(port: box.port, tls: trusting())
            let token = try #require(answer.member("token"))
            #expect(try await phone.upgrade(token: token, origin: "https://127.0.0.1").status == 101)
            #expect(try await phone.text(with: "phone.ready").contains("admin"))
        }
    }

    @Test("TLS 1.1 gets no connection")
    func oldTLS() async throws {
        try await withBox(handed: HandedSockets(https: [try listeningSocket()])) { box in
            let old = try await RawClient(port: box.port, tls: trusting(minimum: .tlsv1, maximum: .tlsv11))
            await #expect(throws: (any Error).self) { try await old.request("GET", "/") }
        }
    }

    @Test("Port 80 sends every request on to https, to the host that was asked for")
    func redirect() async throws {
        let (https, http) = (try listeningSocket(), try listeningSocket())
        try await withBox(handed: HandedSockets(https: [https], http: [http])) { box in
            let port = Int(try #require(http.address?.port))
            let client = try await RawClient(port: port)
            let answer = try await client.request("GET", "/api/v1/phone?a=b")
            #expect(answer.status == 308)
            #expect(answer["location"] == "https://127.0.0.1:\(box.port)/api/v1/phone?a=b")
            #expect(await client.isClosed)
        }
    }

    @Test("Without https nobody is sent to a port that another program has")
    func noHTTPS() async throws {
        let http = try listeningSocket()
        try await withBox(handed: HandedSockets(http: [http])) { box in
            let answer = try await RawClient(port: Int(try #require(http.address?.port))).request("GET", "/")
            #expect(answer.status == 503)
            #expect(answer.member("code") == "web.no-https")
            #expect(try await RawClient(port: box.port).request("GET", "/").status == 200)
        }
    }

    @Test(
        "Where a browser is sent to is this box, whatever the request says",
        arguments: [
            ("box.example", "/a?b", "https://box.example/a?b"), ("BOX:80", "/", "https://box/"),
            ("192.0.2.1:8080", "/", "https://192.0.2.1/"), ("[2001:db8::1]:80", "/x", "https://[2001:db8::1]/x"),
            ("[2001:db8::1]", "/", "https://[2001:db8::1]/"), ("2001:db8::1", "/", "https://198.51.100.7/"),
            ("evil.example/@box", "/", "https://198.51.100.7/"), ("a b", "/", "https://198.51.100.7/"),
            ("evil.example#", "/", "https://198.51.100.7/"), ("user@evil.example", "/", "https://198.51.100.7/"),
            ("", "/", "https://198.51.100.7/"), ("box", "//evil.example/", "https://box//evil.example/"),
            ("box", "http://evil.example/", "https://box/"), ("box", "*", "https://box/"),
            ("box", "/a\u{0}b", "https://box/"), ("box.-", "/", "https://198.51.100.7/"),
        ])
    func location(host: String, uri: String, expected: String) {
        #expect(HTTPSRedirect.location(host: host, uri: uri, own: .ipv4(0xc633_6407), port: 443) == expected)
    }

    @Test("A source has so many connections, and a phone socket is not among them")
    func sourceLimit() async throws {
        var limits = WebLimits()
        limits.connectionsOfSource = 3
        // The secure listener counts this machine too; the plain one may be a proxy's.
        try await withBox(limits: limits, handed: HandedSockets(https: [try listeningSocket()])) { box in
            let token = try await box.token()
            var phones: [RawClient] = []
            for _ in 0..<5 {
                let phone = try await RawClient(port: box.port, tls: trusting())
                #expect(try await phone.upgrade(token: token, origin: "https://127.0.0.1").status == 101)
                phones.append(phone)
            }
            var others: [RawClient] = []
            for _ in 0..<3 {
                let client = try await RawClient(port: box.port, tls: trusting())
                #expect(try await client.request("HEAD", "/").status == 200)
                others.append(client)
            }
            let refused = try await RawClient(port: box.port, tls: trusting())
            await #expect(throws: (any Error).self) { try await refused.request("HEAD", "/") }
            for phone in phones { try await phone.sendText(#"{"jsonrpc":"2.0","id":1,"method":"phone.ping"}"#) }
            for other in others { #expect(try await other.request("HEAD", "/").status == 200) }
        }
    }

    @Test("A client that never finishes its handshake is closed within the time of the first request")
    func slowHandshake() async throws {
        var limits = WebLimits()
        limits.firstHeader = .milliseconds(300)
        try await withBox(limits: limits, handed: HandedSockets(https: [try listeningSocket()])) { box in
            let client = try await RawClient(port: box.port)
            // On a busy machine its time may be over already.
            try? await client.send([0x16, 0x03, 0x01])
            let start = ContinuousClock.now
            #expect(await client.isClosed)
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }
}

@Suite("The box's own certificate")
struct OwnCertificateTests {
    @Test("It is made once, for its owner alone, names the machine, and is read again")
    func made() throws {
        let directory = try temporaryDirectory()
        let path = directory + "/web/tls/own.pem"
        _ = try OwnCertificate(in: directory, logger: Logger(label: "test"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let first = try Data(contentsOf: URL(filePath: path))
        let text = try openssl(["x509", "-in", path, "-noout", "-text"])
        for part in ["DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "CA:FALSE", "P-256"] {
            #expect(text.contains(part))
        }
        _ = try OwnCertificate(in: directory, logger: Logger(label: "test"))
        #expect(try Data(contentsOf: URL(filePath: path)) == first)
    }

    @Test("It is made anew before its end, and when the file is damaged", arguments: ["old", "junk", "half", "key"])
    func anew(damage: String) throws {
        let directory = try temporaryDirectory()
        let path = directory + "/web/tls/own.pem"
        let url = URL(filePath: path)
        let soon = Date.now.addingTimeInterval(damage == "old" ? -(OwnCertificate.lifetime - 20 * 86_400) : 0)
        _ = try OwnCertificate(in: directory, now: soon, logger: Logger(label: "test"))
        let first = try Data(contentsOf: url)
        switch damage {
        case "junk": try Data("junk".utf8).write(to: url)
        case "half": try first.prefix(first.count / 2).write(to: url)
        case "key":
            let other = try temporaryDirectory()
            _ = try OwnCertificate(in: other, logger: Logger(label: "test"))
            let foreign = try String(contentsOfFile: other + "/web/tls/own.pem", encoding: .utf8)
            let own = String(decoding: first, as: UTF8.self)
            let key = foreign.components(separatedBy: "-----BEGIN CERTIFICATE-----")[0]
            try Data(
                (key + "-----BEGIN CERTIFICATE-----" + own.components(separatedBy: "-----BEGIN CERTIFICATE-----")[1])
                    .utf8
            )
            .write(to: url)
        default: break
        }
        _ = try OwnCertificate(in: directory, logger: Logger(label: "test"))
        #expect(try Data(contentsOf: url) != first)
        #expect(
            try openssl(["x509", "-in", path, "-noout", "-checkend", "\(31 * 86_400)"]).contains("will not expire"))
    }

    @Test("Where no new one can be written the old one is served on, at its end or past it")
    func unwritable() throws {
        let directory = try temporaryDirectory()
        let early = Date.now.addingTimeInterval(-(OwnCertificate.lifetime + 86_400))
        let old = try OwnCertificate(in: directory, now: early, logger: Logger(label: "test")).fingerprint
        // In the place of the unfinished file.
        try FileManager.default.createDirectory(
            atPath: directory + "/web/tls/own.pem.new/in-the-way", withIntermediateDirectories: true)
        #expect(try OwnCertificate(in: directory, logger: Logger(label: "test")).fingerprint == old)
    }

    @Test("While the process runs it is renewed in time")
    func renewed() throws {
        let directory = try temporaryDirectory()
        let path = directory + "/web/tls/own.pem"
        let certificate = try OwnCertificate(in: directory, logger: Logger(label: "test"))
        let first = try Data(contentsOf: URL(filePath: path))
        certificate.renew()
        #expect(try Data(contentsOf: URL(filePath: path)) == first)
        certificate.renew(now: .now.addingTimeInterval(370 * 86_400))
        #expect(try Data(contentsOf: URL(filePath: path)) != first)
    }

    @Test("A clock that was never set replaces no good certificate, and what it made is replaced once it is right")
    func clock() throws {
        let directory = try temporaryDirectory()
        let file = URL(filePath: directory + "/web/tls/own.pem")
        let never = Date(timeIntervalSince1970: 60)
        _ = try OwnCertificate(in: directory, now: never, logger: Logger(label: "test"))
        let early = try Data(contentsOf: file)
        let certificate = try OwnCertificate(in: directory, logger: Logger(label: "test"))
        let good = try Data(contentsOf: file)
        #expect(good != early)
        certificate.renew(now: never)
        _ = try OwnCertificate(in: directory, now: never, logger: Logger(label: "test"))
        #expect(try Data(contentsOf: file) == good)
    }
}

/// - Returns: what openssl(1) writes; its complaints are dropped.
func openssl(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
}

/// What systemd would hand over.
func listeningSocket() throws -> ListeningSocket {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard let any = NetworkAddress("127.0.0.1", port: 0) else { throw POSIXError(.EINVAL) }
    var (storage, length) = any.socketAddress()
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            guard bind(descriptor, address, length) == 0, listen(descriptor, 64) == 0 else { return CInt(-1) }
            length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return getsockname(descriptor, address, &length)
        }
    }
    guard result == 0 else { throw POSIXError(.EADDRINUSE) }
    return ListeningSocket(descriptor: descriptor, address: NetworkAddress(storage))
}

/// A browser that has accepted the box's certificate.
func trusting(minimum: TLSVersion = .tlsv12, maximum: TLSVersion? = nil) -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    configuration.minimumTLSVersion = minimum
    configuration.maximumTLSVersion = maximum
    configuration.applicationProtocols = ["http/1.1"]
    return configuration
}
