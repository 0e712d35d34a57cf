import SIPMessage
import SIPTransport
import Testing
import Wire

@Suite("RFC 3261 §18.3 datagrams that cannot be read")
struct UnreadableTests {
    /// Its body ends before it should.
    private static func short(_ callID: String, sentBy: NetworkAddress) -> [UInt8] {
        let text = Station.text(callID, over: .udp, sentBy: sentBy)
        return Array(text.replacing("Content-Length: 0", with: "Content-Length: 99").utf8)
    }

    @Test("A provider is told 400, in the transaction that it asked in; whoever else is not")
    func refused() async throws {
        let box = try await Station.open()
        let other = try await Station.open(answers: false)
        other.transport.send(Self.short("stranger", sentBy: other.address), to: box.address)
        // One after the other over the same socket: what would have answered the first was there before this.
        other.transport.send(Station.bytes("mark", over: .udp, sentBy: other.address), to: box.address)
        _ = try #require(await other.heard("mark"))
        #expect(other.callIDs == ["mark"])
        box.transport.trust(TrustedSources(hosts: [other.address.host]))
        other.transport.send(Self.short("provider", sentBy: other.address), to: box.address)
        let (message, _) = try #require(await other.heard("provider"))
        #expect(message.response?.status == 400)
        #expect(message.headers.topVia?.branch == "z9hG4bKprovider")
        #expect(box.transport.counters.malformed == 2)
        await box.close()
        await other.close()
    }

    @Test("A flood of them from a provider's address is answered seldom, and each is counted")
    func flood() async throws {
        let box = try await Station.open()
        let other = try await Station.open(answers: false)
        box.transport.trust(TrustedSources(hosts: [other.address.host]))
        for number in 0..<500 {
            other.transport.send(Self.short("f\(number)", sentBy: other.address), to: box.address)
        }
        #expect(await eventually { box.transport.counters.malformed >= 400 })
        other.transport.send(Station.bytes("mark", over: .udp, sentBy: other.address), to: box.address)
        _ = await other.heard("mark")
        #expect(other.callIDs.count { $0 != "mark" } < 200)
        #expect(other.callIDs.count { $0 != "mark" } >= 20)
        await box.close()
        await other.close()
    }
}
