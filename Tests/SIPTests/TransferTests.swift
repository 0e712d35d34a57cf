import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("RFC 3515, 3891, 3892, 5589 transfer")
struct TransferTests {
    private static let leg = LegIdentifier(number: 7)
    private static let inbound = ScriptedProvider.inbound

    private func refer(
        _ provider: inout ScriptedProvider, _ tag: String, sequence: UInt32 = 2, to target: String?
    ) throws {
        let request = try provider.request(.refer, branch: "r\(sequence)", sequence: sequence, toTag: tag) { request in
            if let target { request.headers.append(.referTo, target) }
            request.headers.append(.referredBy, "<sip:boss@example.com>")
        }
        try provider.deliver(.request(request))
    }

    @Test("Unless the owner of the calls is asked, REFER is declined; outside of a call it is forbidden")
    func refusedByDefault() throws {
        var (provider, tag, _) = try ScriptedProvider.answered(asksOwner: false)
        try refer(&provider, tag, to: "<sip:0900@sip.example.net>")
        #expect(try provider.takeResponse().status == 603)
        #expect(provider.takeEvents().isEmpty)
        try provider.deliver(.request(try provider.request(.refer, branch: "out", callID: "none")))
        #expect(try provider.takeResponse().status == 403)
    }

    @Test("Asked, allowed: 202, NOTIFY for each step, the subscription ends with the last")
    func accepted() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        try refer(&provider, tag, to: "<sip:+4940@sip.example.net?Replaces=id%40h%3Bto-tag%3Da%3Bfrom-tag%3Db>")
        guard case .transferRequested(Self.inbound, let wish)? = provider.takeEvents().first else {
            Issue.record("nobody was asked")
            return
        }
        #expect(wish.number.revealed == "+4940" && wish.target.revealed == "sip:+4940@sip.example.net")
        #expect(wish.replaces == Replaces(callID: "id@h", toTag: "a", fromTag: "b"))
        #expect(wish.referredBy?.revealed == "<sip:boss@example.com>")
        #expect(provider.sent.isEmpty)
        try provider.act { $0.acceptTransfer(Self.inbound, now: $1, using: &$2) }
        #expect(provider.sent.first?.message.response?.status == 202)
        let first = try #require(provider.sent.last?.message.request)
        #expect(first.method == .notify && first.headers[.event] == "refer;id=2")
        #expect(first.body == Array("SIP/2.0 100 Trying\r\n".utf8))
        #expect(first.headers[.subscriptionState] == "active;expires=180")
        #expect(first.headers.contentType?.matches(MediaType("message", "sipfrag")) == true)
        provider.sent = []
        try provider.answer(first, 200)
        try refer(&provider, tag, sequence: 3, to: "<sip:1@sip.example.net>")
        #expect(try provider.takeResponse().status == 491, "one at a time")
        for (status, state) in [(180, "active;expires=180"), (200, "terminated;reason=noresource")] {
            try provider.act { $0.reportTransfer(Self.inbound, status: status, now: $1, using: &$2) }
            let notify = try provider.takeRequest(.notify)
            #expect(notify.headers[.subscriptionState] == state)
            try provider.answer(notify, 200)
        }
        try provider.act { $0.reportTransfer(Self.inbound, status: 486, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty)
    }

    @Test(
        "A REFER that makes no sense is refused, and so is one that nobody answers",
        arguments: [nil, "", "<sip:x@y;method=BYE>", "<<<"])
    func senseless(target: String?) throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        try refer(&provider, tag, to: target)
        #expect(try provider.takeResponse().status == 400)
        #expect(provider.takeEvents().isEmpty)
        try refer(&provider, tag, sequence: 3, to: "<tel:+4940>")
        #expect(provider.takeEvents().count == 1)
        try provider.wait(.seconds(10))
        #expect(try provider.takeResponse().status == 603)
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("Blind: REFER with Refer-To and Referred-By, progress by NOTIFY, until it is over")
    func blind() throws {
        var (provider, invite) = try ScriptedProvider.called(Self.leg)
        try provider.act { $0.transfer(Self.leg, to: Redacted("+49 40"), now: $1, using: &$2) }
        let refer = try provider.takeRequest(.refer)
        #expect(refer.headers.referTo?.uri.text == "sip:+49%2040@sip.example.net")
        #expect(refer.headers[.referredBy] == "<sip:alice@sip.example.net>")
        try provider.answer(refer, 202)
        func notify(_ sequence: UInt32, _ status: Int, _ state: String, event: String = "refer") throws -> Int {
            let request = try provider.request(.notify, inside: invite, sequence: sequence) {
                $0.headers.append(.event, event)
                $0.headers.append(.subscriptionState, state)
                $0.setBody(Array("SIP/2.0 \(status) X\r\nTo: x\r\n".utf8), type: MediaType("message", "sipfrag"))
            }
            try provider.deliver(.request(request))
            return try provider.takeResponse().status
        }
        #expect(try notify(1, 100, "active;expires=60") == 200)
        #expect(try notify(2, 180, "active") == 200)
        #expect(try notify(3, 180, "active", event: "presence") == 489)
        #expect(try notify(4, 200, "terminated;reason=noresource") == 200)
        #expect(
            provider.takeEvents() == [
                .transferProgress(Self.leg, status: 180), .transferProgress(Self.leg, status: 200),
            ])
        #expect(try notify(5, 200, "terminated") == 481)
        // A subscription that ends without an outcome has failed.
        try provider.act { $0.transfer(Self.leg, to: Redacted("1"), now: $1, using: &$2) }
        try provider.answer(try provider.takeRequest(.refer), 202)
        #expect(try notify(6, 100, "terminated;reason=timeout") == 200)
        #expect(provider.takeEvents() == [.transferProgress(Self.leg, status: 408)])
    }

    @Test("The answer to NOTIFY goes before the news, whose owner may end the call at once")
    func answerBeforeNews() throws {
        var (provider, invite) = try ScriptedProvider.called(Self.leg)
        try provider.act { $0.transfer(Self.leg, to: Redacted("1"), now: $1, using: &$2) }
        try provider.answer(try provider.takeRequest(.refer), 202)
        let notify = try provider.request(.notify, inside: invite, sequence: 1) {
            $0.headers.append(.event, "refer")
            $0.headers.append(.subscriptionState, "terminated;reason=noresource")
            $0.setBody(Array("SIP/2.0 200 OK\r\n".utf8), type: MediaType("message", "sipfrag"))
        }
        let effects = provider.agent.received(
            .request(notify), from: ScriptedProvider.target, now: provider.now, using: &provider.random)
        #expect(effects.count == 2)
        #expect(effects.last == .event(.transferProgress(Self.leg, status: 200)))
    }

    @Test("REFER refused or unanswered is told; the call goes on", arguments: [603, 0])
    func referRefused(status: Int) throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        try provider.act { $0.transfer(Self.leg, to: Redacted("1"), now: $1, using: &$2) }
        let refer = try provider.takeRequest(.refer)
        if status == 0 { try provider.wait(.seconds(32)) } else { try provider.answer(refer, status) }
        #expect(provider.takeEvents() == [.transferProgress(Self.leg, status: status == 0 ? 408 : status)])
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("Attended: the other call is named by Replaces, and the box itself understands what it names")
    func attended() throws {
        var (provider, invite) = try ScriptedProvider.called(Self.leg)
        let second = LegIdentifier(number: 8)
        try provider.act {
            $0.invite(second, to: Redacted("2"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let other = try provider.takeRequest(.invite)
        try provider.answer(other, 200, tag: "third") {
            $0.contact = NameAddress(SIPURI(user: "third", address: ScriptedProvider.target))
        }
        provider.sent = []
        try provider.act { $0.transfer(Self.leg, into: second, now: $1, using: &$2) }
        let refer = try provider.takeRequest(.refer)
        #expect(refer.headers.callID == invite.headers.callID)
        let target = try #require(refer.headers.referTo?.uri.sip)
        #expect(target.user == "third")
        let replaces = try #require(refer.headers.referTo?.replaces)
        #expect(replaces.callID == other.headers.callID && replaces.toTag == "third")
        #expect(replaces.fromTag == other.headers.from?.tag)
    }

    /// What the transferee sends us as the transfer target.
    private func replacing(_ provider: inout ScriptedProvider, _ replaces: String) throws {
        let request = try provider.request(.invite, branch: "n", body: ScriptedProvider.offer, callID: "new") {
            $0.headers.append(.replaces, replaces)
            $0.headers.append(.require, "replaces")
        }
        try provider.deliver(.request(request))
    }

    @Test("A call that replaces another is asked of the owner; taken, the other ends by BYE")
    func replaced() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        try replacing(&provider, "inbound;to-tag=\(tag);from-tag=theirs")
        let new = LegIdentifier(number: Self.inbound.number + 1)
        guard case .incomingReplacement(new, of: Self.inbound, _, _, _, _)? = provider.takeEvents().first else {
            Issue.record("nobody was asked")
            return
        }
        provider.sent = []
        try provider.act { $0.accept(new, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        #expect(provider.sent.first?.message.response?.status == 200)
        let bye = try #require(provider.sent.last?.message.request)
        #expect(bye.method == .bye && bye.headers.callID == "inbound")
        #expect(provider.takeEvents() == [.ended(Self.inbound, .replaced)])
    }

    @Test(
        "What replaces nothing: unknown 481, half-known 481, early-only 486, unreadable 400",
        arguments: [
            ("nobody;to-tag=a;from-tag=b", 481), ("inbound;to-tag=TAG;from-tag=wrong", 481),
            ("inbound;to-tag=TAG;from-tag=theirs;early-only", 486), ("inbound", 400), (";;;", 400),
        ])
    func replacesNothing(value: String, status: Int) throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        try replacing(&provider, value.replacing("TAG", with: tag))
        #expect(try provider.takeResponse().status == status)
        #expect(provider.takeEvents().isEmpty)
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("Who is not asked does not understand Replaces: 420 when it is insisted on")
    func replacesUnsupported() throws {
        var (provider, tag, _) = try ScriptedProvider.answered(asksOwner: false)
        try replacing(&provider, "inbound;to-tag=\(tag);from-tag=theirs")
        #expect(try provider.takeResponse().status == 420)
    }

    @Test("Our own call in another's place says so")
    func outboundReplaces() throws {
        var provider = try ScriptedProvider.ready(asksOwner: true)
        let replaces = Replaces(callID: "x@y", toTag: "t", fromTag: "f")
        try provider.act {
            $0.invite(
                Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, replacing: replaces,
                referredBy: Redacted("<sip:boss@example.com>"), now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        #expect(invite.headers.replaces == replaces && invite.headers.require == ["replaces"])
        #expect(invite.headers[.referredBy] == "<sip:boss@example.com>")
    }
}
