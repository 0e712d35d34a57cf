import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("Inside a call: digits by INFO, reasons, what is not understood")
struct InDialogTests {
    private static let leg = LegIdentifier(number: 7)
    private static let inbound = ScriptedProvider.inbound

    private func info(
        _ type: String, _ body: String
    ) throws -> (status: Int, events: [UserAgentEvent]) {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let request = try provider.request(.info, branch: "i", sequence: 2, toTag: tag) {
            $0.setBody(Array(body.utf8), type: (try? MediaType(type)) ?? .sdp)
        }
        try provider.deliver(.request(request))
        let response = try provider.takeResponse()
        if response.status == 415 { #expect(response.headers[.accept] == "application/dtmf-relay, application/dtmf") }
        return (response.status, provider.takeEvents())
    }

    @Test(
        "Digits received in both forms",
        arguments: [
            ("application/dtmf-relay", "Signal=5\r\nDuration=100\r\n", "5", 100),
            ("application/dtmf-relay", "Signal= *\nDuration= 250", "*", 250),
            ("application/dtmf-relay", "Signal=11", "#", 160), ("application/dtmf-relay", "signal=a", "A", 160),
            ("application/dtmf", "7", "7", 160), ("application/dtmf", "10\r\n", "*", 160),
            ("application/dtmf-relay", "Signal=1\r\nDuration=99999999999999999999", "1", 160),
            ("application/dtmf-relay", "Signal=1\r\nDuration=-3", "1", 40),
        ])
    func received(type: String, body: String, digit: String, milliseconds: Int) throws {
        let report = try #require(DigitReport(Character(digit), milliseconds: milliseconds))
        let (status, events) = try info(type, body)
        #expect(status == 200)
        #expect(events == [.digit(Self.inbound, Redacted(report))])
    }

    @Test(
        "What is no digit is refused, and the call goes on",
        arguments: [
            ("application/dtmf-relay", "Signal=\r\n", 400), ("application/dtmf-relay", "Signal=55", 400),
            ("application/dtmf-relay", "Duration=100", 400), ("application/dtmf", "x", 400), ("text/plain", "5", 415),
            ("application/media_control+xml", "<x/>", 415), ("application/dtmf", "٥", 400),
        ])
    func refused(type: String, body: String, status: Int) throws {
        let (answered, events) = try info(type, body)
        #expect(answered == status)
        #expect(events.isEmpty)
    }

    @Test("Digits sent go one after the other; a refusal drops the rest")
    func sent() throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        for digit in "12#" {
            let report = try #require(DigitReport(digit, milliseconds: 200))
            try provider.act { $0.sendDigit(Self.leg, report, form: .relay, now: $1, using: &$2) }
        }
        let first = try provider.takeRequest(.info)
        #expect(String(decoding: first.body, as: UTF8.self) == "Signal=1\r\nDuration=200\r\n")
        #expect(first.headers.contentType?.text == "application/dtmf-relay")
        try provider.answer(first, 200)
        let second = try provider.takeRequest(.info)
        #expect(String(decoding: second.body, as: UTF8.self).hasPrefix("Signal=2"))
        #expect(second.headers.cseq == CSeq(3, .info))
        try provider.answer(second, 415)
        #expect(provider.sent.isEmpty)
        #expect(provider.takeEvents() == [.digitsRefused(Self.leg, status: 415)])
        let report = try #require(DigitReport("5"))
        try provider.act { $0.sendDigit(Self.leg, report, form: .plain, now: $1, using: &$2) }
        #expect(try provider.takeRequest(.info).body == Array("5".utf8))
    }

    @Test("Reason is told before the end: of BYE, CANCEL and a refusal; ours is sent")
    func reasons() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let reason = SIPReason(protocolName: "Q.850", cause: 16, phrase: "Normal call clearing")
        try provider.deliver(
            .request(
                try provider.request(.bye, branch: "b", sequence: 2, toTag: tag) {
                    $0.headers.append(.reason, reason.text)
                }))
        #expect(provider.takeEvents() == [.reason(Self.inbound, reason), .ended(Self.inbound, .remoteHangUp)])

        provider = try ScriptedProvider.ready()
        try provider.deliver(
            .request(try provider.request(.invite, branch: "1", body: ScriptedProvider.offer)))
        provider.events = []
        let elsewhere = SIPReason(protocolName: "SIP", cause: 200, phrase: "Call completed elsewhere")
        try provider.deliver(
            .request(try provider.request(.cancel, branch: "1") { $0.headers.append(.reason, elsewhere.text) }))
        #expect(
            provider.takeEvents() == [.reason(Self.inbound, elsewhere), .ended(Self.inbound, .cancelledByRemote)])

        var invite: SIPRequest
        (provider, invite) = try ScriptedProvider.calling(Self.leg)
        try provider.answer(invite, 486) { $0.append(.reason, reason.text) }
        #expect(provider.takeEvents().first == .reason(Self.leg, reason))

        (provider, invite) = try ScriptedProvider.calling(Self.leg)
        try provider.act { $0.hangUp(Self.leg, reason: reason, now: $1, using: &$2) }
        try provider.answer(invite, 100)
        #expect(try provider.takeRequest(.cancel).headers.reasons == [reason])
    }

    @Test("An extension that is insisted on and unknown: 420 with its name, in and out of a call")
    func required() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        for (number, method) in [SIPMethod.invite, .update, .info, .options].enumerated() {
            let request = try provider.request(
                method, branch: "r\(number)", sequence: UInt32(number) + 2, toTag: tag, body: ScriptedProvider.offer
            ) { $0.headers.append(.require, "timer, Frob") }
            try provider.deliver(.request(request))
            let response = try #require(provider.sent.first?.message.response)
            #expect(response.status == 420 && response.headers[.unsupported] == "frob")
            if method == .invite {
                try provider.deliver(.request(try provider.request(.ack, branch: "r0", sequence: 2, toTag: tag)))
            }
            provider.sent = []
        }
        let bye = try provider.request(.bye, branch: "b", sequence: 9, toTag: tag) {
            $0.headers.append(.require, "frob")
        }
        try provider.deliver(.request(bye))
        #expect(try provider.takeResponse().status == 200, "whatever it wants, the call is over")
    }

    @Test("405 and 501 say what is understood")
    func allowed() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        for (sequence, method, status) in [
            (2, SIPMethod.message, 405), (3, try #require(SIPMethod(rawValue: "FROB")), 501),
        ] {
            try provider.deliver(
                .request(try provider.request(method, branch: "m\(sequence)", sequence: UInt32(sequence), toTag: tag)))
            let response = try provider.takeResponse()
            #expect(response.status == status)
            #expect(response.headers.allow.contains(.prack) && !response.headers.allow.contains(method))
        }
    }
}
