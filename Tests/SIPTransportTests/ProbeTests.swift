import NIOCore
import NIOPosix
import SIPMessage
import Synchronization
import Testing
import Wire

@testable import SIPTransport

@Suite("The watchdog's probe of the SIP transport")
struct ProbeTests {
    private static func open() async throws -> SIPTransport {
        try await SIPTransport.open(
            listen: NetworkAddress(host: .ipv4(0x7f00_0001), port: 0), on: MultiThreadedEventLoopGroup.singleton)
    }

    private static func wait(_ what: String, until holds: () -> Bool) async throws {
        let deadline = MonotonicTime.now() + .seconds(5)
        while !holds() {
            try #require(MonotonicTime.now() < deadline, "\(what)")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private static func reply(_ box: SIPTransport, to input: SIPTransport.Input) {
        guard case .message(let message, let source) = input, let request = message.request else { return }
        box.send(SIPResponse(to: request, status: 200, toTag: "box").serialized(), to: source.address)
    }

    @Test("It is answered by whoever reads the inputs, and only by the answer to itself")
    func answered() async throws {
        let box = try await Self.open()
        let answers = Atomic(0)
        box.probe { answers.add(1, ordering: .relaxed) }
        var inputs = box.inputs.makeAsyncIterator()
        guard case .message(let message, let peer)? = await inputs.next(), let request = message.request else {
            Issue.record("the probe did not arrive")
            return
        }
        let source = peer.address
        #expect(request.method == .options && peer == SIPPeer(PrivateLine.address))
        var forged = request
        forged.headers.topVia = Via(sentBy: source, branch: Via.magicCookie + "guessed")
        box.send(SIPResponse(to: forged, status: 200, toTag: "x").serialized(), to: source)
        box.send(SIPResponse(to: request, status: 500, toTag: "x").serialized(), to: source)
        box.send([1, 2, 3], to: source)
        try await box.loop.submit {}.get()
        #expect(answers.load(ordering: .relaxed) == 0)
        for _ in 0..<2 { Self.reply(box, to: .message(message, from: peer)) }
        try await box.loop.submit {}.get()
        #expect(answers.load(ordering: .relaxed) == 1)
        await box.close()
    }

    @Test("It comes through while strangers fill the input to its limit")
    func flood() async throws {
        let (box, stranger) = (try await Self.open(), try await Self.open())
        let junk = SIPRequest(
            .options, SIPURI(user: "x", address: box.localAddress),
            via: Via(sentBy: stranger.localAddress, branch: "z9hG4bKflood"),
            from: NameAddress(SIPURI(user: "x", address: stranger.localAddress), tag: "x"),
            to: NameAddress(SIPURI(user: "x", address: box.localAddress)), callID: "flood", cseq: 1
        ).serialized()
        // Nobody reads yet: the strangers' share of the input is used up and more is dropped.
        while box.counters.overflowed == 0 {
            for _ in 0..<100 { stranger.send(junk, to: box.localAddress) }
            // What was given to the loop has left it (two hops); a slow machine would otherwise drown in what waits there.
            for _ in 0..<3 { try await stranger.loop.submit {}.get() }
        }
        let isAnswered = Atomic(false)
        box.probe { isAnswered.store(true, ordering: .relaxed) }
        try await Self.wait("the probe beyond the strangers' share") {
            box.counts.waiting.load(ordering: .relaxed) > SIPTransport.inputLimit / 2
        }
        let reader = Task {
            for await input in box.inputs {
                box.taken()
                if case .message(_, SIPPeer(PrivateLine.address)) = input { Self.reply(box, to: input) }
            }
        }
        try await Self.wait("the probe's answer") { isAnswered.load(ordering: .relaxed) }
        await box.close()
        await stranger.close()
        await reader.value
    }

    @Test("A transport that is closed answers, so that ending is not taken for hanging")
    func closed() async throws {
        let box = try await Self.open()
        let answers = Atomic(0)
        box.probe { answers.add(1, ordering: .relaxed) }
        await box.close()
        box.probe { answers.add(1, ordering: .relaxed) }
        #expect(answers.load(ordering: .relaxed) == 2)
    }
}
