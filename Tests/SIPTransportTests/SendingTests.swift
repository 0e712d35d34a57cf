import NIOCore
import NIOPosix
import SIPMessage
import Testing
import Wire

@testable import SIPTransport

@Suite("RFC 3261 §18 SIP over UDP: what the kernel refuses")
struct SendingTests {
    private static let loopback = NetworkAddress(host: .ipv4(0x7f00_0001), port: 0)

    private static func open() async throws -> SIPTransport {
        try await SIPTransport.open(listen: loopback, on: MultiThreadedEventLoopGroup.singleton)
    }

    private static func message(_ callID: String, body: Int = 0) throws -> [UInt8] {
        let text = """
            OPTIONS sip:box@127.0.0.1 SIP/2.0\r
            Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK\(callID);rport\r
            From: <sip:a@127.0.0.1>;tag=1\r
            To: <sip:box@127.0.0.1>\r
            Call-ID: \(callID)\r
            CSeq: 1 OPTIONS\r
            Content-Length: \(body)\r
            \r

            """
        return Array(text.utf8) + [UInt8](repeating: 0x61, count: body)
    }

    /// The next input of a transport; nil if none comes within 5 s, after which the transport is of no more use.
    private static func next(_ transport: SIPTransport) async -> SIPTransport.Input? {
        await withTaskGroup(of: SIPTransport.Input?.self) { group in
            group.addTask {
                for await input in transport.inputs {
                    transport.taken()
                    return input
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(5))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private static func callID(_ input: SIPTransport.Input?) -> String? {
        if case .message(let message, _) = input { message.headers.callID } else { nil }
    }

    @Test("A reply to port 0, as a stranger's Via may ask for, does not end the socket")
    func portZero() async throws {
        let box = try await Self.open()
        let peer = try await Self.open()
        box.send(try Self.message("lost"), to: Self.loopback)
        box.send(try Self.message("after"), to: peer.localAddress)
        #expect(Self.callID(await Self.next(peer)) == "after")
        peer.send(try Self.message("back"), to: box.localAddress)
        #expect(Self.callID(await Self.next(box)) == "back")
        await box.close()
        await peer.close()
    }

    @Test("A provider that refuses datagrams is reported, and heard again when it is back")
    func refusal() async throws {
        let box = try await Self.open()
        let former = try await Self.open()
        let address = former.localAddress
        await former.close()
        await box.connect(to: address, from: address.host)
        box.send(try Self.message("nobody"), to: address)
        guard case .unreachable(SIPPeer(address), nil) = await Self.next(box) else {
            Issue.record("the refusal was not reported")
            return
        }
        let peer = try await SIPTransport.open(listen: address, on: MultiThreadedEventLoopGroup.singleton)
        box.send(try Self.message("again"), to: address)
        #expect(Self.callID(await Self.next(peer)) == "again")
        await box.close()
        await peer.close()
    }

    @Test("A peer's own socket that is lost is replaced, and meanwhile the common one is used")
    func lostSocket() async throws {
        let box = try await Self.open()
        let peer = try await Self.open()
        await box.connect(to: peer.localAddress, from: peer.localAddress.host)
        let first = box.socket(to: peer.localAddress)
        try await first?.close().get()
        box.send(try Self.message("meanwhile"), to: peer.localAddress)
        #expect(Self.callID(await Self.next(peer)) == "meanwhile")
        let deadline = MonotonicTime.now() + .seconds(5)
        while box.socket(to: peer.localAddress) == nil, MonotonicTime.now() < deadline { await Task.yield() }
        #expect(box.socket(to: peer.localAddress) != nil)
        await box.close()
        #expect(box.socket(to: peer.localAddress) == nil)
        await peer.close()
    }

    @Test("Junk is counted and dropped, and the next message is read")
    func junk() async throws {
        let box = try await Self.open()
        let peer = try await Self.open()
        let message = try Self.message("cut", body: 100)
        peer.send(Array(message.dropLast()), to: box.localAddress)
        peer.send([UInt8](repeating: 0xff, count: 1_200), to: box.localAddress)
        peer.send(try Self.message("whole"), to: box.localAddress)
        #expect(Self.callID(await Self.next(box)) == "whole")
        #expect(box.counters == SIPTransport.Counters(received: 3, malformed: 2, overflowed: 0))
        await box.close()
        await peer.close()
    }

    @Test("A datagram arrives whole whatever its size", arguments: [4_000, 5_000, 40_000])
    func large(size: Int) async throws {
        let box = try await Self.open()
        let peer = try await Self.open()
        peer.send(try Self.message("large", body: size), to: box.localAddress)
        #expect(Self.callID(await Self.next(box)) == "large")
        #expect(box.counters.malformed == 0)
        await box.close()
        await peer.close()
    }
}
