import NIOCore
import NIOPosix
import SIPTransport
import Wire

/// When a box that starts can be used.
enum Readiness {
    /// Returns once the core's control socket takes connections, or when the task is cancelled.
    static func core(at path: String) async {
        await retry { try await $0.connect(unixDomainSocketPath: path).get() }
    }

    /// Returns once the web process takes connections, or when the task is cancelled.
    static func page(at address: NetworkAddress) async {
        let host: NetworkAddress.Host = address.host.isUnspecified ? .ipv4(0x7f00_0001) : address.host
        await retry { try await $0.connect(to: SocketAddress(NetworkAddress(host: host, port: address.port))).get() }
    }

    private static func retry(_ connect: (ClientBootstrap) async throws -> any Channel) async {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(.seconds(1))
        while !Task.isCancelled {
            if let channel = try? await connect(bootstrap) {
                try? await channel.close().get()
                return
            }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }
}
