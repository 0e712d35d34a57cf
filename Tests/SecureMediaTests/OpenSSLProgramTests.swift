import Foundation
import Glibc
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    @Suite("Interoperation with the openssl program over UDP")
    struct OpenSSLProgramTests {
        /// Runs `openssl` to its end and gives its standard output.
        static func openssl(_ arguments: [String]) throws -> String {
            let program = Process()
            program.executableURL = URL(filePath: "/usr/bin/openssl")
            program.arguments = arguments
            let output = Pipe()
            program.standardOutput = output
            program.standardError = FileHandle.nullDevice
            try program.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            program.waitUntilExit()
            return String(decoding: data, as: UTF8.self)
        }

        static func hexadecimalBytes(_ text: some StringProtocol) -> [UInt8] {
            let digits = text.compactMap(\.hexDigitValue)
            return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        }

        @Test("s_client with an RSA certificate exports the keys that the box derives")
        func sClient() throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "secure-media-\(getpid())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let key = folder.appending(path: "key.pem").path()
            let certificate = folder.appending(path: "certificate.pem").path()
            _ = try Self.openssl([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=page", "-keyout", key, "-out",
                certificate,
            ])
            let shown = try Self.openssl(["x509", "-noout", "-fingerprint", "-sha256", "-in", certificate])
            let fingerprint = Self.hexadecimalBytes(try #require(shown.split(separator: "=").last))

            let box = try DTLSIdentity()
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "sha-256", peerFingerprint: fingerprint)
            let socket = try LoopbackSocket()
            let client = Process()
            client.executableURL = URL(filePath: "/usr/bin/openssl")
            client.arguments = [
                "s_client", "-dtls1_2", "-connect", "127.0.0.1:\(socket.port)", "-use_srtp",
                "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", "-cert", certificate, "-key", key, "-keymatexport",
                "EXTRACTOR-dtls_srtp", "-keymatexportlen", "56",
            ]
            let output = Pipe()
            client.standardInput = Pipe()
            client.standardOutput = output
            client.standardError = FileHandle.nullDevice
            try client.run()

            let deadline = MonotonicTime.now() + .seconds(10)
            while server.state == .handshaking, MonotonicTime.now() < deadline {
                socket.serve(server)
            }
            #expect(server.state == .connected)
            let keys = try #require(server.keys)
            #expect(keys.profile == .aeadAES128GCM)
            // Ending the association makes the program print what is left and exit.
            let lingering = MonotonicTime.now() + .milliseconds(300)
            while MonotonicTime.now() < lingering { socket.serve(server) }
            server.close(now: .now()) { socket.reply($0) }
            client.terminate()
            let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            client.waitUntilExit()

            let line = try #require(text.split(separator: "\n").first { $0.contains("Keying material:") })
            let material = Self.hexadecimalBytes(try #require(line.split(separator: ":").last))
            #expect(keys.client.revealed == Array(material[0..<16] + material[32..<44]))
            #expect(keys.server.revealed == Array(material[16..<32] + material[44..<56]))
            #expect(text.contains("SRTP Extension negotiated, profile=SRTP_AEAD_AES_128_GCM"))
        }
    }
}

/// A UDP socket on 127.0.0.1 that talks to whoever wrote last.
private final class LoopbackSocket {
    private let descriptor: Int32
    let port: UInt16
    private var peer = sockaddr_in()

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit {
        close(descriptor)
    }

    /// Waits up to 10 ms for a datagram and lets the server have it, and the time.
    func serve(_ server: DTLSServer) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if Glibc.poll(&poll, 1, 10) == 1 {
            var bytes = [UInt8](repeating: 0, count: 2_048)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    recvfrom(descriptor, &bytes, bytes.count, 0, generic, &length)
                }
            }
            if count > 0 {
                bytes.prefix(count).withUnsafeBytes { server.receive($0, now: .now()) { reply($0) } }
            }
        }
        server.advance(to: .now()) { reply($0) }
    }

    func reply(_ datagram: UnsafeRawBufferPointer) {
        withUnsafePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(
                    descriptor, datagram.baseAddress, datagram.count, 0, generic,
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
