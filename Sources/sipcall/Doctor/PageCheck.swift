import Console
import NIOCore
import NIOPosix
import NIOSSL
import SIPTransport
import Settings
import WebAPI
import Wire

/// Opens the page's connection as a browser would, and looks at the certificate that it is shown.
struct PageCheck: Sendable {
    let place: WebPlace

    /// Where the web process said that it serves, else where it would: this user may not be allowed to read it.
    init(_ examiner: Examiner) {
        let installed = WebPlace(isSecure: true, address: NetworkAddress(host: .ipv6(high: 0, low: 0), port: 443))
        let configured = WebPlace(isSecure: false, address: examiner.settings.web.listen)
        place =
            WebPlace.last(in: examiner.box.stateDirectory).first
            ?? (examiner.box.state == nil ? installed : configured)
    }

    func finding(now: Int) async -> Finding {
        do {
            guard let validUntil = try await connect() else {
                return Finding(.ok, "The page's port \(place.address.port) takes connections.")
            }
            return .certificate(daysLeft: (validUntil - now) / 86_400)
        } catch {
            return Finding(
                .fault, "The page's port \(place.address.port) serves nobody.",
                remedy: "Look at the journal of sipcall-web, and restart it: systemctl restart sipcall-web")
        }
    }

    private var target: NetworkAddress {
        let host = place.address.host
        // An IPv6 wildcard takes IPv4 too, and a machine may have no IPv6 of its own.
        return NetworkAddress(host: host.isUnspecified ? .ipv4(0x7f00_0001) : host, port: place.address.port)
    }

    /// - Returns: the end of the certificate in seconds since 1970; nil without TLS.
    private func connect() async throws -> Int? {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(.seconds(3))
        guard place.isSecure else {
            try await bootstrap.connect(to: SocketAddress(target)).get().close().get()
            return nil
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        // It is the box's own: its end is looked at, not who vouches for it.
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await bootstrap.connect(to: SocketAddress(target)).get()
        let end = channel.eventLoop.makePromise(of: Int.self)
        channel.closeFuture.whenComplete { _ in end.fail(ChannelError.eof) }
        try await channel.eventLoop.submit {
            let handler = try NIOSSLClientHandler(
                context: context, serverHostname: nil,
                customVerificationCallback: { certificates, promise in
                    if let certificate = certificates.first { end.succeed(Int(certificate.notValidAfter)) }
                    promise.succeed(.certificateVerified)
                })
            try channel.pipeline.syncOperations.addHandler(handler)
        }.get()
        let patience = channel.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
        defer {
            patience.cancel()
            channel.close(promise: nil)
        }
        return try await end.futureResult.get()
    }
}
