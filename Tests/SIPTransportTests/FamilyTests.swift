import Glibc
import NIOPosix
import SIPMessage
import Testing
import Wire

@testable import SIPTransport

@Suite("IPv4 and IPv6 at once")
struct FamilyTests {
    private static let unowned = NetworkAddress(hostAndPort: "[2001:db8::77]:0")

    private static func open(_ listen: [NetworkAddress]) async throws -> SIPTransport {
        try await SIPTransport.open(listen: listen, on: MultiThreadedEventLoopGroup.singleton)
    }

    @Test(
        "Each family is heard, and its answer leaves by the socket that the question came to",
        arguments: [
            TransportProtocol.udp, .tcp,
        ])
    func both(over transport: TransportProtocol) async throws {
        let box = try await Station.open(at: [Station.loopback, Station.loopback6])
        #expect(box.transport.localAddresses.map(\.family) == [.ipv4, .ipv6])
        #expect(box.transport.missing.isEmpty)
        for place in box.transport.localAddresses {
            let peer = try await Station.open(at: NetworkAddress(host: place.host, port: 0), answers: false)
            peer.transport.send(
                Station.bytes("q\(place.family)", over: transport, sentBy: peer.address), to: SIPPeer(transport, place))
            let (answer, source) = try #require(await peer.heard("q\(place.family)"))
            #expect(answer.response?.status == 200)
            #expect(source.address == place)
            await peer.close()
        }
        await box.close()
    }

    @Test("0.0.0.0 and [::] have one port each, whatever the kernel's default for both families is")
    func wildcards() async throws {
        let four = try await Self.open([NetworkAddress(host: .ipv4(0), port: 0)])
        let six = try await Self.open([NetworkAddress(host: .ipv6(high: 0, low: 0), port: four.localAddress.port)])
        // What is sent to the IPv4 one is not heard by the other.
        #expect(six.localAddresses.map(\.family) == [.ipv6])
        #expect(six.speaks(.ipv6) && !six.speaks(.ipv4))
        await four.close()
        await six.close()
    }

    @Test("An address that the machine does not have is done without, and said; without any other nothing starts")
    func missing() async throws {
        let unowned = try #require(Self.unowned)
        let box = try await Self.open([unowned, Station.loopback])
        #expect(box.localAddresses.map(\.family) == [.ipv4])
        #expect(box.missing.map(\.code) == ["sip.family-missing"])
        #expect(box.localAddress(of: .ipv6) == nil)
        await box.close()
        await #expect(throws: Problem.self) { try await Self.open([unowned]) }
    }

    @Test("A port that another program has is an error in either family")
    func taken() async throws {
        let other = try await Self.open([Station.loopback6])
        let error = await #expect(throws: Problem.self) {
            try await Self.open([Station.loopback, other.localAddress])
        }
        #expect(error?.code == "sip.port-in-use")
        await other.close()
    }

    @Test(
        "By default only the first family has to be free, over UDP and TCP alike",
        arguments: [SOCK_DGRAM, SOCK_STREAM])
    func takenFromDefault(kind: __socket_type) async throws {
        let (other, port) = try #require(Self.holdIPv6(kind))
        defer { close(other) }
        let listen = [
            NetworkAddress(host: Station.loopback.host, port: port),
            NetworkAddress(host: Station.loopback6.host, port: port),
        ]
        let error = await #expect(throws: Problem.self) { try await Self.open(listen) }
        #expect(error?.code == "sip.port-in-use")
        let box = try await SIPTransport.open(
            listen: listen, isByDefault: true, on: MultiThreadedEventLoopGroup.singleton)
        #expect(box.localAddresses.map(\.family) == [.ipv4])
        #expect(!box.speaks(.ipv6))
        #expect(box.missing.map(\.code) == ["sip.family-missing"])
        // Nothing of the family is left open.
        #expect(LocalAddress.bindErrorCode(udp: listen[1]) == (kind == SOCK_DGRAM ? EADDRINUSE : 0))
        await box.close()
        let first = await #expect(throws: Problem.self) {
            try await SIPTransport.open(
                listen: listen.reversed(), isByDefault: true, on: MultiThreadedEventLoopGroup.singleton)
        }
        #expect(first?.code == "sip.port-in-use")
    }

    /// - Returns: a socket of another program on [::1], and its port.
    private static func holdIPv6(_ kind: __socket_type) -> (CInt, UInt16)? {
        let other = socket(AF_INET6, CInt(kind.rawValue), 0)
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_addr = in6addr_loopback
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isHeld = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(other, $0, length) == 0 && getsockname(other, $0, &length) == 0
            }
        }
        if kind == SOCK_STREAM { listen(other, 1) }
        return isHeld ? (other, UInt16(bigEndian: address.sin6_port)) : nil
    }

    @Test("What goes to a family that is not spoken comes back as unreachable")
    func unspoken() async throws {
        let box = try await Station.open(at: Station.loopback, answers: false)
        let nowhere = NetworkAddress(host: Station.loopback6.host, port: 9)
        box.transport.send(Station.bytes("x", over: .udp), to: SIPPeer(nowhere))
        #expect(await eventually { box.unreachable.contains { $0.0 == SIPPeer(nowhere) } })
        await box.close()
    }
}
