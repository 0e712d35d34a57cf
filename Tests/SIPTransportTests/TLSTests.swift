import NIOCore
import NIOPosix
import NIOSSL
import SIPMessage
import SIPTransport
import Testing
import Wire

@Suite("RFC 5922 whose certificate is believed")
struct TLSTests {
    private static func provider(_ certificate: String, at address: NetworkAddress = Station.loopback) async throws
        -> Station
    {
        var options = TLSOptions(identity: Certificates.shared.identity(certificate))
        options.listenPort = 0
        return try await Station.open(at: address, tls: options)
    }

    private static func box(trusting authority: String? = Certificates.shared.authority) async throws -> Station {
        try await Station.open(tls: TLSOptions(authorityFile: authority), answers: false)
    }

    @Test(
        "A certificate is good for the names that RFC 5922 §7.1 finds in it, whole and without wildcards",
        arguments: [
            ("dns", "sip.example.test", nil), ("dns", "SIP.Example.TEST", nil), ("dns", "other.test", "name"),
            ("uri", "sip.example.test", nil), ("uri", "host.example.test", "name"),
            ("user-uri", "sip.example.test", "name"), ("sips-uri", "sip.example.test", "name"),
            ("wildcard", "sip.example.test", "name"), ("wildcard", "example.test", "name"),
            ("parent", "sip.example.test", "name"), ("cn", "sip.example.test", nil), ("cn", "other.test", "name"),
            ("cn-and-dns", "sip.example.test", "name"), ("cn-and-email", "sip.example.test", "name"),
            ("address", "127.0.0.1", nil), ("address", "127.0.0.2", "name"), ("address", "[::1]", nil),
            ("dns", "127.0.0.1", "name"), ("expired", "sip.example.test", "expired"),
            ("stranger", "sip.example.test", "authority"),
        ] as [(String, String, String?)])
    func names(certificate: String, name: String, fault: String?) async throws {
        let provider = try await Self.provider(certificate)
        let box = try await Self.box()
        box.transport.send(Station.bytes("secret", over: .tls), to: provider.tls(name))
        if let fault {
            #expect(await eventually { !box.unreachable.isEmpty })
            #expect(box.unreachable.first?.0 == provider.tls(name))
            #expect(box.unreachable.first?.1?.code == "trunk.certificate-\(fault)")
            #expect(provider.messages.isEmpty)
        } else {
            #expect(await eventually { box.messages.count == 1 })
            #expect(box.messages.first?.1 == provider.tls(name))
        }
        await box.close()
        await provider.close()
    }

    @Test("TLS over IPv6, and both ways over the one connection")
    func bothWays() async throws {
        let provider = try await Self.provider("dns", at: Station.loopback6)
        let box = try await Self.box()
        let peer = provider.tls("sip.example.test")
        box.transport.send(Station.bytes("register", over: .tls), to: peer)
        let (_, back) = try #require(await provider.heard("register"))
        provider.transport.send(Station.bytes("invite", "INVITE", over: .tls), to: back)
        let (_, from) = try #require(await box.heard("invite"))
        #expect(from == peer)
        #expect(await provider.transport.connectionCount() == 1)
        await box.close()
        await provider.close()
    }

    @Test("A connection that was verified for one name is not used for another, nor for none")
    func bound() async throws {
        let provider = try await Self.provider("dns")
        let box = try await Self.box()
        box.transport.send(Station.bytes("mine", over: .tls), to: provider.tls("sip.example.test"))
        _ = await provider.heard("mine")
        box.transport.send(Station.bytes("other", over: .tls), to: provider.tls("other.test"))
        #expect(await eventually { box.unreachable.first?.1?.code == "trunk.certificate-name" })
        box.transport.send(Station.bytes("again", over: .tls), to: provider.tls("sip.example.test"))
        _ = await provider.heard("again")
        #expect(provider.callIDs == ["mine", "again"])
        #expect(await provider.transport.connectionCount() == 1)
        await box.close()
        await provider.close()
    }

    @Test("TLS 1.1 is refused, whoever offers it", arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
    func versions(version: TLSVersion) async throws {
        let isGood = version == .tlsv12 || version == .tlsv13
        // A server of only this version.
        let certificates = Certificates.shared.identity("dns")
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.certificateFile).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.keyFile, format: .pem)))
        configuration.minimumTLSVersion = version
        configuration.maximumTLSVersion = version
        let context = try NIOSSLContext(configuration: configuration)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }
            }
            .bind(to: SocketAddress(Station.loopback)).get()
        let address = try #require(server.localAddress.flatMap(NetworkAddress.init))
        let box = try await Self.box()
        let peer = SIPPeer(.tls, address, name: "sip.example.test")
        box.transport.send(Station.bytes("hello", over: .tls), to: peer)
        #expect(
            await eventually {
                isGood
                    ? await box.transport.connectionCount() == 1 : box.unreachable.first?.1?.code == "trunk.tls-failed"
            })
        try await server.close()
        await box.close()
    }

    @Test("A client of TLS 1.1 is turned away")
    func oldClient() async throws {
        let provider = try await Self.provider("dns")
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv1
        configuration.maximumTLSVersion = .tlsv11
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(to: SocketAddress(provider.tls(nil).address)).get()
        try await client.closeFuture.get()
        #expect(await provider.transport.connectionCount() == 0)
        await provider.close()
    }

    @Test("A port that speaks no TLS, and a file of authorities that is none, are told apart")
    func faults() async throws {
        let plain = try await Station.open()
        let box = try await Self.box()
        box.transport.send(Station.bytes("hello"), to: SIPPeer(.tls, plain.address, name: "sip.example.test"))
        #expect(await eventually { box.unreachable.first?.1?.code == "trunk.tls-failed" })
        let misled = try await Self.box(trusting: "/nonexistent")
        misled.transport.send(Station.bytes("hello"), to: SIPPeer(.tls, plain.address, name: "sip.example.test"))
        #expect(await eventually { misled.unreachable.first?.1?.code == "trunk.authority-file" })
        misled.transport.send(Station.bytes("hello"), to: SIPPeer(.tls, plain.address))
        #expect(await eventually { misled.unreachable.last?.1?.code == "trunk.certificate-name" })
        for station in [plain, box, misled] { await station.close() }
    }

    @Test("The system's own authorities are trusted without a file, and no other")
    func systemAuthorities() async throws {
        let provider = try await Self.provider("dns")
        let box = try await Self.box(trusting: nil)
        box.transport.send(Station.bytes("hello", over: .tls), to: provider.tls("sip.example.test"))
        #expect(await eventually { box.unreachable.first?.1?.code == "trunk.certificate-authority" })
        await box.close()
        await provider.close()
    }

    @Test("A certificate of our own that cannot be used is told at the start")
    func ownCertificate() async throws {
        let identity = TLSOptions.Identity(certificateFile: "/nonexistent", keyFile: "/nonexistent")
        await #expect(throws: Problem.self) { try await Station.open(tls: TLSOptions(identity: identity)) }
    }
}
