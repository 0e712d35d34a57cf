import SIPMessage
import Testing
import Wire

@testable import SIPTrace

/// Messages as a provider's and a stranger's, on a clock that only moves when it is told.
enum Scene {
    static let provider = SIPPeer(NetworkAddress(host: .ipv4(0x0a09_0002), port: 5060))
    static let stranger = SIPPeer(NetworkAddress(host: .ipv4(0x0a09_0042), port: 5060))

    static func request(
        _ method: SIPMethod, callID: String, number: UInt32 = 1, to: String = "+4930200200", body: String = "",
        more: [(SIPHeaderName, String)] = []
    ) -> SIPRequest {
        let here = NetworkAddress(host: .ipv4(0x0a09_0001), port: 5060)
        var request = SIPRequest(
            method, SIPURI(user: to, address: provider.address),
            via: Via(transport: "UDP", sentBy: here, branch: "\(Via.magicCookie)\(callID)\(number)"),
            from: NameAddress(SIPURI(user: "+49305550100", address: here), tag: "a"),
            to: NameAddress(SIPURI(user: to, address: provider.address)), callID: callID, cseq: number)
        for (name, value) in more { request.headers.append(name, value) }
        if !body.isEmpty { request.setBody(Array(body.utf8)) }
        return request
    }

    static func call(_ seed: UInt64) -> CallIdentifier {
        var generator = SeededGenerator(seed: seed)
        return CallIdentifier(using: &generator)
    }

    static func time(_ milliseconds: Int64) -> WallTime {
        WallTime(milliseconds: 1_764_000_000_000 + milliseconds)
    }
}

@Suite("The bounded memory of SIP messages")
struct TraceRingTests {
    private func sent(_ ring: inout TraceRing, _ request: SIPRequest, at milliseconds: Int64 = 0) {
        ring.record(
            .bytes(request.serialized()), .sent, Scene.provider, isProvider: true, at: Scene.time(milliseconds))
    }

    private func heard(_ ring: inout TraceRing, _ message: SIPMessage, from peer: SIPPeer = Scene.provider) {
        ring.record(.message(message), .received, peer, isProvider: peer == Scene.provider, at: Scene.time(0))
    }

    private func lines(_ ring: TraceRing, _ subject: TraceSubject) -> [String] {
        ring.messages(of: subject, after: 0, showing: TraceShowing(), mostBytes: .max).messages.map(\.line)
    }

    @Test("What a Call-ID said before it was known to be a call's belongs to the call as well")
    func claimed() {
        var ring = TraceRing()
        let invite = Scene.request(.invite, callID: "one")
        heard(&ring, .request(Scene.request(.options, callID: "ping")))
        heard(&ring, .request(invite))
        let call = TraceSubject.call(Scene.call(1))
        ring.claim("one", for: call)
        ring.record(
            .bytes(SIPResponse(to: invite, status: 180).serialized()), .sent, Scene.provider, isProvider: true,
            at: Scene.time(5))
        #expect(lines(ring, call) == ["INVITE sip:…00@10.9.0.2:5060", "180 Ringing"])
        #expect(lines(ring, .others) == ["OPTIONS sip:…00@10.9.0.2:5060"])
        #expect(ring.footprint.messages == 3)
    }

    @Test("A registration of ours is known by itself; one that comes from outside is not ours")
    func registration() {
        var ring = TraceRing()
        let register = Scene.request(.register, callID: "account")
        heard(&ring, .request(Scene.request(.register, callID: "theirs")))
        sent(&ring, register)
        heard(&ring, .response(SIPResponse(to: register, status: 401)))
        #expect(lines(ring, .registration) == ["REGISTER sip:…00@10.9.0.2:5060", "401 Unauthorized"])
        #expect(lines(ring, .others).count == 1)
    }

    @Test("A hundred thousand messages of strangers push nothing out, and cost nothing")
    func strangers() {
        var ring = TraceRing()
        sent(&ring, Scene.request(.invite, callID: "one"))
        let call = TraceSubject.call(Scene.call(1))
        ring.claim("one", for: call)
        let before = ring.footprint
        let message = SIPMessage.request(Scene.request(.invite, callID: "flood"))
        for _ in 0..<100_000 { heard(&ring, message, from: Scene.stranger) }
        #expect(ring.footprint == before)
        #expect(ring.strangers.messages == 100_000)
        #expect(lines(ring, call).count == 1)
        #expect(ring.list(most: 10).count == 1)
    }

    @Test("A provider's messages without a call stay few, and push no call out")
    func others() {
        var ring = TraceRing()
        sent(&ring, Scene.request(.invite, callID: "one"))
        ring.claim("one", for: .call(Scene.call(1)))
        for number in 0..<10_000 { heard(&ring, .request(Scene.request(.options, callID: "o\(number)"))) }
        #expect(lines(ring, .others).count == TraceLimits().others)
        #expect(lines(ring, .call(Scene.call(1))).count == 1)
    }

    @Test("Of a long call the beginning and the newest stay, and how many fell out is said")
    func longCall() throws {
        var limits = TraceLimits()
        (limits.messages, limits.beginning) = (20, 5)
        var ring = TraceRing(limits: limits)
        for number in 1...UInt32(100) { sent(&ring, Scene.request(.info, callID: "one", number: number)) }
        ring.claim("one", for: .call(Scene.call(1)))
        for number in 101...UInt32(200) { sent(&ring, Scene.request(.info, callID: "one", number: number)) }
        let told = ring.messages(
            of: .call(Scene.call(1)), after: 0, showing: TraceShowing(), mostBytes: .max
        ).messages
        #expect(told.count == 20)
        #expect(told.last?.cseq == "200 INFO")
        #expect(told.map(\.number) == told.map(\.number).sorted())
        let summary = try #require(ring.summary(of: .call(Scene.call(1))))
        #expect(summary.messages == 20 && summary.omitted > 0)
    }

    @Test("The oldest calls give way, by number and by bytes, and nothing of them is left")
    func manyCalls() {
        var limits = TraceLimits()
        limits.calls = 10
        var ring = TraceRing(limits: limits)
        for number in 0..<1_000 {
            sent(&ring, Scene.request(.invite, callID: "c\(number)"))
            ring.claim("c\(number)", for: .call(Scene.call(UInt64(number))))
        }
        #expect(ring.footprint.calls == 10 && ring.footprint.messages == 10)
        #expect(lines(ring, .call(Scene.call(999))).count == 1)
        #expect(ring.summary(of: .call(Scene.call(0))) == nil)
        limits.calls = 1000
        limits.allBytes = 200_000
        ring = TraceRing(limits: limits)
        let large = String(repeating: "x", count: 20_000)
        for number in 0..<100 {
            sent(&ring, Scene.request(.invite, callID: "c\(number)", body: large))
            ring.claim("c\(number)", for: .call(Scene.call(UInt64(number))))
            #expect(ring.footprint.bytes <= limits.allBytes)
        }
        #expect(ring.footprint.calls > 5 && ring.footprint.calls < 10)
    }

    @Test("Retransmissions are told from new messages")
    func again() {
        var ring = TraceRing()
        let invite = Scene.request(.invite, callID: "one")
        for _ in 0..<3 { sent(&ring, invite) }
        sent(&ring, Scene.request(.invite, callID: "one", number: 2))
        ring.claim("one", for: .call(Scene.call(1)))
        let told = ring.messages(
            of: .call(Scene.call(1)), after: 0, showing: TraceShowing(), mostBytes: .max
        ).messages
        #expect(told.map(\.isRepeated) == [false, true, true, false])
    }

    @Test("A long answer comes in pieces that lose nothing")
    func pieces() {
        var ring = TraceRing()
        for number in 1...UInt32(50) { sent(&ring, Scene.request(.info, callID: "one", number: number)) }
        ring.claim("one", for: .call(Scene.call(1)))
        var newest: UInt64 = 0
        var told: [String?] = []
        var isAll = false
        while !isAll {
            let piece = ring.messages(
                of: .call(Scene.call(1)), after: newest, showing: TraceShowing(), mostBytes: 2_000)
            (told, isAll) = (told + piece.messages.map(\.cseq), piece.isAll)
            newest = piece.messages.last?.number ?? newest
        }
        #expect(told == (1...50).map { "\($0) INFO" })
    }

    @Test("Our own Call-ID is found before the body, and never in it")
    func callID() {
        let request = Scene.request(.invite, callID: "a@b", body: "x\r\nCall-ID: wrong\r\n")
        #expect(TraceRing.callID(in: request.serialized()) == "a@b")
        #expect(TraceRing.callID(in: Array("INVITE\r\nTo: x\r\n\r\nCall-ID: no\r\n".utf8)) == nil)
        #expect(TraceRing.callID(in: []) == nil)
    }
}
