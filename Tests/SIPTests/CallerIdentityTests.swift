import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("RFC 3323, 3325 who calls")
struct CallerIdentityTests {
    private static let leg = LegIdentifier(number: 7)
    private static let identityHeaders: [SIPHeaderName] = [.pAssertedIdentity, .pPreferredIdentity, .remotePartyID]

    @Test("The number stands where the trunk looks for it, and nowhere else", arguments: Trunk.Identity.allCases)
    func shown(_ identity: Trunk.Identity) throws {
        let caller = CallerID(number: Redacted("+493099"), displayName: Redacted("Ann \"A\""))
        let (_, invite) = try ScriptedProvider.calling(Self.leg, caller: caller) { $0.identity = identity }
        let wanted: [Trunk.Identity: SIPHeaderName] = [
            .assertedIdentity: .pAssertedIdentity, .preferredIdentity: .pPreferredIdentity,
            .remotePartyID: .remotePartyID,
        ]
        for name in Self.identityHeaders {
            #expect(invite.headers.contains(name) == (wanted[identity] == name))
            guard let text = invite.headers[name] else { continue }
            #expect(text.hasPrefix("\"Ann \\\"A\\\"\" <sip:+493099@sip.example.net>"))
        }
        #expect(invite.headers.from?.uri.user == (identity == .from ? "+493099" : "alice"))
        #expect(invite.headers.from?.displayName == "Ann \"A\"")
        #expect(!invite.headers.contains(.privacy))
        #expect(invite.headers.count(.from) == 1)
        if identity == .remotePartyID { #expect(invite.headers[.remotePartyID]?.hasSuffix("privacy=off") == true) }
    }

    @Test(
        "Hidden: From, Contact, Privacy and the asserted number move together, for the whole call",
        arguments: Trunk.Identity.allCases)
    func hidden(_ identity: Trunk.Identity) throws {
        let caller = CallerID(number: Redacted("+493099"), displayName: Redacted("Ann"), isPrivate: true)
        var (provider, invite) = try ScriptedProvider.calling(Self.leg, asksOwner: true, caller: caller) {
            $0.identity = identity
        }
        func check(_ request: SIPRequest) {
            #expect(request.headers.from?.uri.text == "sip:anonymous@anonymous.invalid")
            let contact = request.headers.contact?.uri.user
            #expect(contact == nil || contact == "anonymous")
            for field in request.headers.fields where !Self.identityHeaders.contains(field.name) {
                #expect(!field.value.contains("+493099") && !field.value.contains("Ann <"))
                #expect(!field.value.contains("alice"), "\(field.name)")
            }
        }
        check(invite)
        #expect(invite.headers.from?.displayName == "Anonymous")
        #expect(invite.headers[.privacy] == "id")
        if identity == .remotePartyID { #expect(invite.headers[.remotePartyID]?.hasSuffix("privacy=full") == true) }
        try provider.answer(invite, 200, body: ScriptedProvider.offer)
        check(try provider.takeRequest(.ack))
        try provider.act { $0.renegotiate(Self.leg, offer: ScriptedProvider.offer, now: $1, using: &$2) }
        check(try provider.takeRequest(.invite))
        try provider.hangUp(Self.leg)
        check(try provider.takeRequest(.bye))
    }

    private func caller(_ change: (inout SIPHeaders) throws -> Void) throws -> CallerIdentity {
        var provider = try ScriptedProvider.ready()
        try provider.deliver(
            .request(
                try provider.request(.invite, branch: "1", body: ScriptedProvider.offer) { try change(&$0.headers) }))
        guard case .incoming(let leg, let from, _, _, _)? = provider.takeEvents().first else {
            throw SIPParseError(.empty)
        }
        let caller = try #require(provider.agent.caller(of: leg))
        #expect(caller.number == from)
        return caller
    }

    @Test(
        "What the provider asserts outranks From; verstat wherever it may stand",
        arguments: [
            ("<sip:+15551@h;user=phone>", "+15551", nil as CallerIdentity.Verification?),
            ("<sip:+15551;verstat=TN-Validation-Passed@h;user=phone>", "+15551", .passed),
            ("<tel:+15551;verstat=TN-Validation-Failed>", "+15551", .failed),
            ("<sip:+15551@h;verstat=No-TN-Validation>", "+15551", .notDone),
            ("\"Bob\" <sip:+15551@h>;verstat=TN-Validation-Passed-A, <tel:+15551>", "+15551", .passed),
            ("<sip:+15551@h;verstat=Whatever>", "+15551", nil), ("<sip:h>", "+33987", nil), ("<<", "+33987", nil),
        ])
    func asserted(value: String, number: String, verification: CallerIdentity.Verification?) throws {
        let caller = try caller { $0.append(.pAssertedIdentity, value) }
        #expect(caller.number.revealed == number)
        #expect(caller.isAsserted == (number != "+33987"))
        #expect(caller.verification == verification)
        #expect(!caller.isPrivate)
    }

    @Test("Who asks for privacy gets it, even where the provider forgot to hide the number")
    func privacy() throws {
        let caller = try caller {
            $0.append(.pAssertedIdentity, "<tel:+15551>")
            $0.append(.privacy, "critical; id")
            $0.from = NameAddress(
                displayName: "Anonymous", try SIPURI("sip:anonymous@anonymous.invalid"), tag: "theirs")
        }
        #expect(caller.isPrivate && !caller.isAsserted)
        #expect(caller.number.revealed == "anonymous")
    }

    @Test("From a stranger nothing is read at all")
    func stranger() throws {
        var provider = try ScriptedProvider.ready()
        let invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer) {
            $0.headers.append(.pAssertedIdentity, "<tel:+110;verstat=TN-Validation-Passed>")
        }
        try provider.deliver(.request(invite), from: ScriptedProvider.stranger)
        #expect(try provider.takeResponse().status == 403)
        #expect(provider.takeEvents().isEmpty)
    }
}
