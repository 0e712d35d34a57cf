import Call
import Control
import SDP
import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: sessions that change in the middle of a call", .serialized)
struct OfferTests {
    /// Lets the provider offer a session, and returns the box's answer.
    private func reoffer(
        _ box: Box, _ sequence: UInt32, _ body: [UInt8], method: SIPMethod = .invite
    ) async throws -> SIPResponse {
        let address = box.transport.localAddress
        try box.provider.send(method, sequence, to: address) { if !body.isEmpty { $0.setBody(body) } }
        try await box.wait("the answer") { box.provider.response(method, sequence) != nil }
        let response = try #require(box.provider.response(method, sequence))
        if method == .invite, response.isSuccess { try box.provider.acknowledge(sequence, to: address) }
        return response
    }

    @Test(
        "The far side holds in all its forms and takes the call up again",
        arguments: [
            ("sendonly", "127.0.0.1", "recvonly"), ("inactive", "127.0.0.1", "inactive"),
            ("sendrecv", "0.0.0.0", "recvonly"), ("recvonly", "127.0.0.1", "sendonly"),
        ], [SIPMethod.invite, .update])
    func farHold(form: (said: String, address: String, answer: String), method: SIPMethod) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let first = try SessionDescription(#require(box.provider.first(.invite)).body)
        let held = try await reoffer(
            box, 1, session(form.said, address: form.address, version: 3), method: method)
        #expect(held.status == 200)
        let answer = try SessionDescription(held.body)
        #expect(answer.media.first?.direction?.rawValue == form.answer)
        #expect(answer.media.first?.port == first.media.first?.port)
        #expect(answer.origin.sessionID == first.origin.sessionID)
        #expect(Int(answer.origin.version) == Int(first.origin.version).map { $0 + 1 })
        // Whoever only receives holds nothing: it hears us.
        let isHold = form.said != "recvonly"
        #expect(await box.switchboard.calls[call]?.call.isHeldThere == isHold)
        #expect(await box.switchboard.calls[call]?.trunkAudio?.direction.sends == !isHold)
        if isHold { try await box.wait("the page's news") { box.held(call, on: page)?.there == true } }
        let resumed = try await reoffer(box, 2, session(version: 4), method: method)
        #expect(try SessionDescription(resumed.body).media.first?.direction == .sendrecv)
        #expect(await box.switchboard.calls[call]?.call.isHeldThere == false)
        if isHold { try await box.wait("the page's news") { box.held(call, on: page)?.there == false } }
        let kinds = await box.kinds(of: call)
        #expect(kinds.contains(.callHeld) == isHold && kinds.contains(.callResumed) == isHold)
        await box.close()
    }

    @Test("The sound follows another address, port and codec")
    func elsewhere() async throws {
        let box = try await Box.open()
        let call = try await box.talk(await box.page())
        let response = try await reoffer(
            box, 1, session(address: "127.0.0.2", port: 41_000, version: 3, formats: "8"))
        #expect(response.status == 200)
        let audio = try #require(await box.switchboard.calls[call]?.trunkAudio)
        #expect(audio.remote == NetworkAddress(host: .ipv4(0x7f00_0002), port: 41_000))
        #expect(audio.codec == .pcma)
        await box.close()
    }

    @Test("A refresh that changes nothing is answered with the same version")
    func refresh() async throws {
        let box = try await Box.open()
        _ = try await box.talk(await box.page())
        let one = try await reoffer(box, 1, session(version: 3))
        let two = try await reoffer(box, 2, session(version: 3))
        #expect(one.body == two.body)
        let update = try await reoffer(box, 3, [], method: .update)
        #expect(update.status == 200 && update.body.isEmpty)
        await box.close()
    }

    @Test("Fax is refused with 488 and the call goes on; beside voice it is switched off")
    func fax() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        #expect(try await reoffer(box, 1, faxOffer).status == 488)
        try box.provider.acknowledge(1, to: box.transport.localAddress)
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        let both = try await reoffer(
            box, 2, session(version: 4, extra: "m=image 40002 udptl t38\r\n"))
        let answer = try SessionDescription(both.body)
        #expect(answer.media.map(\.port).last == 0 && answer.media.count == 2 && answer.media[0].port != 0)
        // A hold after it keeps the place that fax has had.
        #expect(await box.switchboard.handle(.hold(connection: page, call: call, wanted: true)) == .done)
        try await box.wait("our re-INVITE") { box.provider.count(.invite) == 2 }
        let offer = try SessionDescription(#require(box.provider.request(.invite)).body)
        #expect(offer.media.count == 2 && offer.media[1].port == 0)
        await box.close()
    }

    @Test(
        "Nonsense for an offer is refused, and the call goes on", arguments: ["v=0\r\n", "nonsense", "v=0\r\no=\r\n"])
    func nonsense(body: String) async throws {
        let box = try await Box.open()
        let call = try await box.talk(await box.page())
        #expect(try await reoffer(box, 1, Array(body.utf8)).status == 488)
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        await box.close()
    }

    @Test("A re-INVITE without an offer gets ours, and its ACK answers")
    func offerless() async throws {
        let box = try await Box.open()
        let call = try await box.talk(await box.page())
        let address = box.transport.localAddress
        try box.provider.send(.invite, 1, to: address)
        try await box.wait("our offer") { box.provider.response(.invite, 1) != nil }
        let offer = try SessionDescription(#require(box.provider.response(.invite, 1)).body)
        #expect(offer.media.first?.direction == .sendrecv && offer.origin.version == "2")
        try box.provider.acknowledge(1, to: address, body: session("sendonly", port: 42_000, version: 3))
        try await box.wait("the hold") { await box.switchboard.calls[call]?.call.isHeldThere == true }
        #expect(await box.switchboard.calls[call]?.trunkAudio?.remote.port == 42_000)
        await box.close()
    }

    @Test("A description among other parts is found")
    func multipart() async throws {
        let box = try await Box.open()
        let call = try await box.talk(await box.page())
        let body =
            Array("--x\r\nContent-Type: application/isup\r\n\r\nISUP\r\n".utf8)
            + Array("--x\r\nContent-Type: application/sdp\r\n\r\n".utf8)
            + session("sendonly", version: 3) + Array("\r\n--x--\r\n".utf8)
        let address = box.transport.localAddress
        try box.provider.send(.invite, 1, to: address) {
            $0.setBody(body, type: MediaType("multipart", "mixed", parameters: SIPParameters(["boundary": "x"])))
        }
        try await box.wait("the answer") { box.provider.response(.invite, 1)?.status == 200 }
        #expect(await box.switchboard.calls[call]?.call.isHeldThere == true)
        await box.close()
    }

    @Test("A page holds its call and takes it up again; versions count on")
    func ownHold() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        for (wanted, direction, version) in [(true, "sendonly", "2"), (false, "sendrecv", "3")] {
            let count = box.provider.count(.invite)
            #expect(await box.switchboard.handle(.hold(connection: page, call: call, wanted: wanted)) == .done)
            try await box.wait("re-INVITE") { box.provider.count(.invite) == count + 1 }
            let offer = try SessionDescription(#require(box.provider.request(.invite)).body)
            #expect(offer.media.first?.direction?.rawValue == direction && offer.origin.version == version)
            try await box.wait("the page's news") { box.held(call, on: page)?.here == wanted }
            try await box.wait("agreement") {
                await box.switchboard.calls[call]?.trunkAudio?.direction == (wanted ? .sendonly : .sendrecv)
            }
        }
        #expect(await box.switchboard.calls[call]?.trunkOffer == nil)
        await box.close()
    }

    @Test("What the far side refuses is told and the call goes on", arguments: [488, 500])
    func refused(status: Int) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.holdAnswer.store(status, ordering: .relaxed)
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        try await box.wait("the notice") { box.notices(of: call, on: page) == ["call.change-refused"] }
        box.provider.holdAnswer.store(0, ordering: .relaxed)
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: false))
        try await box.wait("version 3") {
            let offer = box.provider.request(.invite).flatMap { try? SessionDescription($0.body) }
            return offer?.origin.version == "3"
        }
        await box.close()
    }

    @Test("After glare the box asks again, on top of what the far side got meanwhile")
    func glare() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.holdAnswer.store(491, ordering: .relaxed)
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        try await box.wait("the first try") { box.provider.count(.invite) == 2 }
        let theirs = try await reoffer(box, 1, session(port: 43_000, version: 3))
        #expect(try SessionDescription(theirs.body).media.first?.direction == .sendonly)
        #expect(try SessionDescription(theirs.body).origin.version == "3")
        box.provider.holdAnswer.store(0, ordering: .relaxed)
        try await box.wait("the second try") { box.provider.count(.invite) == 3 }
        let offer = try SessionDescription(#require(box.provider.request(.invite)).body)
        #expect(offer.origin.version == "4" && offer.media.first?.direction == .sendonly)
        await box.close()
    }

    @Test("A call that comes without an offer is answered with ours")
    func delayedOffer() async throws {
        let box = try await Box.open()
        let page = await box.page()
        box.provider.call(box.transport.localAddress, withOffer: false)
        try await box.wait("ringing") { box.incoming(page) != nil }
        let call = try #require(box.incoming(page))
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.answer(connection: page, call: call))
        try await box.wait("200") { box.provider.finalStatus == 200 }
        let ok = try #require(box.provider.response(.invite, 1))
        #expect(try SessionDescription(ok.body).media.first?.port != 0)
        box.provider.acknowledgeCall(ok, box.transport.localAddress, body: session())
        try await box.wait("agreement") { await box.switchboard.calls[call]?.trunkAudio?.codec == .pcmu }
        await box.close()
    }

    @Test("A call that nobody has answered is not held, nor one with a service")
    func notHeld() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard
            case .media(let call, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("*43"), offer: Box.offer))
        else {
            Issue.record("no call")
            return
        }
        #expect(
            await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
                == .failed(Switchboard.cannotHold))
        await box.close()
    }
}
