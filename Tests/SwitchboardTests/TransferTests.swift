import Call
import Control
import Ledger
import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

extension Switchboard {
    fileprivate func aMinutePasses(for call: CallIdentifier) {
        update(call) { $0.advance(to: .now() + .seconds(61)) }
    }

    fileprivate func joiningTakesTooLong(for call: CallIdentifier) {
        guard let until = calls[call]?.joinedUntil else { return }
        // These pages have no sound.
        calls[call]?.soundDeadline = nil
        takeWhatIsDue(at: until)
    }
}

@Suite("Switchboard: calls that change their far side", .serialized)
struct TransferTests {
    private func refer(_ box: Box, to target: String, sequence: UInt32 = 1) async throws -> Int {
        try box.provider.send(.refer, sequence, to: box.transport.localAddress) {
            $0.headers.append(.referTo, target)
        }
        try await box.wait("the answer to REFER") { box.provider.response(.refer, sequence) != nil }
        return try #require(box.provider.response(.refer, sequence)).status
    }

    private func fragments(_ box: Box) -> [String] {
        box.provider.requests.filter { $0.method == .notify }.map {
            String(String(decoding: $0.body, as: UTF8.self).dropFirst(8).prefix(3))
        }
    }

    private func notify(_ box: Box, _ status: Int, _ sequence: UInt32) throws {
        try box.provider.send(.notify, sequence, to: box.transport.localAddress) {
            $0.headers.append(.event, "refer")
            $0.headers.append(.subscriptionState, status < 200 ? "active;expires=60" : "terminated;reason=noresource")
            $0.setBody(Array("SIP/2.0 \(status) So\r\n".utf8), type: MediaType("message", "sipfrag"))
        }
    }

    @Test("Nobody is called on the other side's word alone")
    func notAllowed() async throws {
        let box = try await Box.open()
        let call = try await box.talk(await box.page())
        #expect(try await refer(box, to: "<sip:+88216123456@example.net>") == 603)
        #expect(box.provider.count(.invite) == 1)
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        try await box.wait("the watchers' news") { await box.kinds(of: call).contains(.callNotice) }
        #expect(await box.switchboard.calls[call]?.transfers.isEmpty == true)
        await box.close()
    }

    @Test("What the owner may is dialled, reported, and takes the place; the former side is left")
    func blind() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        #expect(try await refer(box, to: "<sip:200@example.net>") == 202)
        try await box.wait("the former side's end") { box.provider.count(.bye) == 1 }
        let invites = box.provider.requests.filter { $0.method == .invite }
        #expect(invites.last?.uri.sip?.user == "200")
        try await box.wait("the news of it") { fragments(box).contains("200") }
        #expect(fragments(box).first == "100")
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        #expect(await box.switchboard.calls[call]?.farNumber == Redacted("200"))
        try await box.wait("the watchers' news") { await box.kinds(of: call).contains(.callTransferred) }
        #expect(await box.switchboard.status().dialogs == 1)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.expectNothingLeft()
        // Who was called, and paid for, and who was talked to in the end.
        try await box.wait("the record") { box.records(of: call).last?.stage == .ended }
        let record = try #require(box.records(of: call).last)
        #expect(record.far.number?.revealed == "100" && record.transferredTo?.number?.revealed == "200")
        await box.close()
    }

    @Test("A transfer that fails is reported, and the call goes on as before")
    func busy() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        #expect(try await refer(box, to: "<sip:486@example.net>") == 202)
        try await box.wait("the notice") { box.notices(of: call, on: page) == ["call.transfer-failed"] }
        try await box.wait("the news of it") { fragments(box).last == "486" }
        #expect(await box.switchboard.calls[call]?.call.mayBeTransferred == true)
        #expect(await box.switchboard.calls[call]?.next == nil)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("Who asked for it may hang up at once; who is here may hang up in the middle", arguments: [true, false])
    func middle(there: Bool) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.answersCalls.store(false, ordering: .relaxed)
        #expect(try await refer(box, to: "<sip:200@example.net>") == 202)
        try await box.wait("the next INVITE") { box.provider.count(.invite) == 2 }
        if there {
            try box.provider.send(.bye, 2, to: box.transport.localAddress)
            try await box.wait("200") { box.provider.response(.bye, 2)?.status == 200 }
            #expect(await box.switchboard.calls[call]?.call.publicState == .active)
            box.provider.answersCalls.store(true, ordering: .relaxed)
            // The INVITE is sent again and then answered.
            try await box.wait("the next one") { await box.switchboard.calls[call]?.next == nil }
            #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        }
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        if there { try await box.expectNothingLeft() }
        try await box.wait("the legs' end") { await box.switchboard.callOfLeg.isEmpty }
        await box.close()
    }

    @Test("Who does not answer within a minute is given up, and whoever asked is told and may ask again")
    func tooLate() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.answersCalls.store(false, ordering: .relaxed)
        #expect(try await refer(box, to: "<sip:200@example.net>") == 202)
        try await box.wait("the next INVITE") { box.provider.count(.invite) == 2 }
        await box.switchboard.aMinutePasses(for: call)
        try await box.wait("the news of it") { fragments(box).last == "408" }
        try await box.wait("the page's news") { box.notices(of: call, on: page) == ["call.transfer-failed"] }
        #expect(await box.switchboard.calls[call]?.transfers.isEmpty == true)
        #expect(await box.switchboard.dialling.runningCount == 1)
        box.provider.answersCalls.store(true, ordering: .relaxed)
        #expect(try await refer(box, to: "<sip:201@example.net>", sequence: 2) == 202)
        try await box.wait("the next one") { await box.switchboard.calls[call]?.farNumber == Redacted("201") }
        await box.close()
    }

    @Test("A call of the provider's takes another's place; one that names no call of ours does not")
    func replaces() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let invite = try #require(box.provider.first(.invite))
        let callID = try #require(invite.headers.callID)
        let own = try #require(invite.headers.from?.tag)
        box.provider.call(
            box.transport.localAddress, replacing: Replaces(callID: callID, toTag: "wrong", fromTag: "provider"))
        try await box.wait("481") { box.provider.finalStatus == 481 }
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        box.provider.call(
            box.transport.localAddress, replacing: Replaces(callID: callID, toTag: own, fromTag: "provider"),
            branch: "other")
        try await box.wait("200") { box.provider.finalStatus == 200 }
        try await box.wait("the former one's end") { box.provider.count(.bye) == 1 }
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        #expect(await box.switchboard.status().calls == 1)
        #expect(await box.switchboard.status().mediaLegs == 2)
        #expect(box.end(of: call, on: page) == nil)
        #expect(await box.switchboard.calls[call]?.farNumber == Redacted("+493023125000"))
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        try await box.wait("the record") { box.records(of: call).last?.stage == .ended }
        let record = try #require(box.records(of: call).last)
        #expect(record.far.number?.revealed == "100" && record.transferredTo?.number?.revealed == "+493023125000")
        await box.close()
    }

    @Test("A page's transfer needs permission, asks the other side, and ends the call when it succeeded")
    func own() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let wish = ControlCommand.transfer(connection: page, call: call, to: Redacted("+49 30 555200"))
        let satellite = ControlCommand.transfer(connection: page, call: call, to: Redacted("+88216123456"))
        #expect(await box.switchboard.handle(satellite) == .failed(DiallingRefusal.satellite.problem))
        #expect(box.provider.count(.refer) == 0)
        #expect(await box.switchboard.handle(wish) == .done)
        #expect(await box.switchboard.handle(wish) == .failed(Switchboard.cannotTransfer))
        try await box.wait("REFER") { box.provider.count(.refer) == 1 }
        #expect(box.provider.request(.refer)?.headers.referTo?.uri.sip?.user == "+4930555200")
        try notify(box, 100, 1)
        try notify(box, 200, 2)
        try await box.wait("the end") { box.end(of: call, on: page) == .transferred }
        try await box.wait("BYE") { box.provider.count(.bye) == 1 }
        try await box.expectNothingLeft()
        try await box.wait("the record") { box.records(of: call).last?.stage == .ended }
        let record = try #require(box.records(of: call).last)
        #expect(record.far.number?.revealed == "100" && record.transferredTo?.number?.revealed == "+4930555200")
        #expect(record.reason == .transferred)
        await box.close()
    }

    @Test(
        "A provider that takes no transfers: the call goes on, and may be held and ended", arguments: [603, 405, 501])
    func ownRefused(status: Int) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        box.provider.refer.store(status, ordering: .relaxed)
        _ = await box.switchboard.handle(.transfer(connection: page, call: call, to: Redacted("200")))
        try await box.wait("the notice") { box.notices(of: call, on: page) == ["call.transfer-failed"] }
        #expect(await box.switchboard.dialling.runningCount == 1)
        #expect(await box.switchboard.handle(.hold(connection: page, call: call, wanted: true)) == .done)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("the end") { box.end(of: call, on: page) == .hungUpHere }
        await box.close()
    }

    @Test("A page asks somebody else while it holds a call, then brings the two together")
    func attended() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let second = ControlCommand.start(connection: page, to: Redacted("200"), offer: Box.offer)
        #expect(await box.switchboard.handle(second) == .failed(Switchboard.busyHere))
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        let other = try await box.talk(page, to: "200")
        #expect(
            await box.switchboard.handle(.bringTogether(connection: page, call: call, other: other)) == .done)
        try await box.wait("REFER") { box.provider.count(.refer) == 1 }
        let replaces = try #require(box.provider.request(.refer)?.headers.referTo?.replaces)
        let invite = try #require(box.provider.requests.last { $0.method == .invite && $0.uri.sip?.user == "200" })
        #expect(replaces.callID == invite.headers.callID && replaces.toTag == "provider")
        #expect(replaces.fromTag == invite.headers.from?.tag)
        try notify(box, 200, 1)
        try await box.wait("the end") { box.end(of: call, on: page) == .transferred }
        #expect(await box.switchboard.calls[other]?.call.publicState == .active)
        // Whoever says that it takes the other's place and does not leaves that call as any other.
        #expect(await box.switchboard.calls[other]?.call.mayBeTransferred == false)
        await box.switchboard.joiningTakesTooLong(for: other)
        #expect(await box.switchboard.calls[other]?.call.mayBeTransferred == true)
        #expect(await box.switchboard.calls[other]?.referredTo == nil)
        try await box.wait("the record") { box.records(of: call).last?.stage == .ended }
        #expect(box.records(of: call).last?.transferredTo?.number?.revealed == "200")
        await box.close()
    }

    @Test("One of two calls that were to be brought together ends before: the other may be transferred as ever")
    func abandoned() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        let other = try await box.talk(page, to: "200")
        #expect(await box.switchboard.handle(.bringTogether(connection: page, call: call, other: other)) == .done)
        #expect(await box.switchboard.calls[other]?.call.mayBeTransferred == false)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        #expect(await box.switchboard.calls[other]?.call.mayBeTransferred == true)
        #expect(await box.switchboard.calls[other]?.referredTo == nil)
        await box.close()
    }

    @Test("Calls that go by different providers are not brought together, and go on")
    func acrossProviders() async throws {
        let field = try await TwoServers()
        let box = try await field.open(
            TwoServers.direct("One", field.first, "domain = \"one.example\"")
                + TwoServers.direct("Two", field.second, "domain = \"two.example\""))
        let page = await box.page()
        let call = try await box.talk(page)
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        field.first.refuse(.invite, with: 503)
        field.second.answersCalls.store(true, ordering: .relaxed)
        let other = try await box.talk(page, to: "200")
        #expect(field.second.count(.invite) == 1)
        let wish = ControlCommand.bringTogether(connection: page, call: call, other: other)
        #expect(await box.switchboard.handle(wish) == .failed(Switchboard.acrossProviders))
        #expect(field.first.count(.refer) == 0 && field.second.count(.refer) == 0)
        for call in [call, other] { #expect(await box.switchboard.calls[call]?.call.mayBeTransferred == true) }
        await field.close(box)
    }

    @Test("A diverted number is not followed, and the sentence says so")
    func redirect() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard
            case .media(let call, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("302"), offer: Box.offer))
        else {
            Issue.record("no call")
            return
        }
        try await box.wait("the end") { box.end(of: call, on: page) == .redirected }
        #expect(box.provider.count(.invite) == 1)
        await box.close()
    }
}
