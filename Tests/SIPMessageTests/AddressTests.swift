import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §19.1 SIP URIs")
struct URITests {
    @Test(
        "every part is read, and written as it came",
        arguments: [
            "sip:alice@atlanta.com", "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone",
            "sips:1212@gateway.com", "sip:alice@192.0.2.4", "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
            "sip:alice;day=tuesday@atlanta.com", "sip:*43#@[2001:db8::1]:5062;lr", "sip:%61lice@atlanta.com:0",
        ])
    func read(text: String) throws {
        #expect(try SIPURI(text).text == text)
    }

    @Test(
        "what is no SIP URI is refused",
        arguments: [
            "", "sip", "sip:", "sip:@host", "sip:a@", "sip:a@b@c", "sip:a@b:", "sip:a@b:65536", "sip:a@b:x",
            "sip:a b@c",
            "sip:a@b;", "sip:a@b;;c", "sip:a@b?", "sip:a%4@b", "sip:a%zz@b", "sip:a@[::1", "sip:a@[::g]",
            "sip:a@[1.2.3.4]",
            "sip:a@b:5060:5060", "sip:2001:db8::1", "<sip:a@b>", "sip:a@b;x=\"y\"", "tel:+49", "sip:ä@b", "sip:a@b;=c",
        ])
    func refused(text: String) {
        #expect(throws: SIPParseError.self) { try SIPURI(text) }
    }

    @Test("equivalence follows §19.1.4")
    func equivalence() throws {
        let same = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        ]
        let different = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ]
        for (one, other) in same { #expect(try SIPURI(one).isEquivalent(to: SIPURI(other))) }
        for (one, other) in different { #expect(try !SIPURI(one).isEquivalent(to: SIPURI(other))) }
    }

    @Test("who is meant, whatever the scheme")
    func user() throws {
        #expect(try URI("tel:+49-30-1;phone-context=+49").user == "+49-30-1")
        #expect(try URI("sip:a%20b@c").user == "a b")
        #expect(try URI("urn:service:sos").user == nil)
        #expect(try SIPURI("sip:a@b;method=BYE?x=y").asRequestURI.text == "sip:a@b")
    }
}

@Suite("RFC 3261 §20 addresses")
struct AddressTests {
    @Test(
        "with and without brackets, quotes and parameters",
        arguments: [
            ("\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s", "A. G. Bell", "a48s"),
            ("sip:+12125551212@server.phone2net.com;tag=887s", nil, "887s"),
            ("Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=h", "Anonymous", "h"),
            ("<sip:a@b;tag=inner>", nil, nil), ("\"\" <sip:a@b>", "", nil), ("Müller <tel:+4930>;TAG=x", "Müller", "x"),
            ("\"a \\\"b\\\\ <;,\" <sip:a@b>", "a \"b\\ <;,", nil),
        ])
    func read(text: String, displayName: String?, tag: String?) throws {
        let address = try NameAddress(text)
        #expect(address.displayName == displayName)
        #expect(address.tag == tag)
        #expect(try NameAddress(address.text) == address)
    }

    @Test(
        "what cannot be told apart is refused",
        arguments: [
            "", "\"a <sip:a@b>", "\"a\" sip:a@b", "<sip:a@b", "sip:a@b?x=y", "<sip:a@b> x", "a \"b\" <sip:a@b>",
            "<sip:a@b>;",
            "<sip:a@b>;=x", "<sip:a@b>;a=\"x", "<>", "*", "sip:a@b, sip:c@d", "\"\\",
        ])
    func refused(text: String) {
        #expect(throws: SIPParseError.self) { try NameAddress(text) }
    }

    @Test("Via says where an answer goes, and believes no sender")
    func via() throws {
        let source = NetworkAddress(host: .ipv4(0xC633_6401), port: 40_000)
        var behindNAT = try Via("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport")
        #expect(behindNAT.wantsSourcePort && behindNAT.receivedPort == nil)
        behindNAT.note(source: source)
        #expect(behindNAT.text == "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport=40000;received=198.51.100.1")
        #expect(behindNAT.responseTarget == source)
        var plain = try Via("SIP/2.0/UDP 198.51.100.1:5062;received=203.0.113.9;maddr=203.0.113.10;branch=z9hG4bKx")
        plain.note(source: source)
        #expect(plain.responseTarget == NetworkAddress("198.51.100.1", port: 5062))
        var named = try Via("SIP/2.0/UDP pbx.example.net")
        #expect(named.responseTarget == nil)
        named.note(source: source)
        #expect(named.responseTarget == NetworkAddress("198.51.100.1", port: 5060))
        for bad in [
            "SIP/2.0/UDP", "SIP/3.0/UDP a", "SIP/2.0 a", "HTTP/2.0/UDP a", "SIP/2.0/UDP a:99999", "SIP/2.0/UDP [::1",
        ] {
            #expect(throws: SIPParseError.self) { try Via(bad) }
        }
    }
}

@Suite("RFC 7616 challenges and credentials")
struct AuthenticationTests {
    @Test("several challenges in one line, known schemes and unknown")
    func challenges() throws {
        var headers = SIPHeaders()
        headers.append(
            .wwwAuthenticate,
            "Digest realm=\"a, \\\"b\\\"\", qop=\"auth,auth-int\", algorithm=SHA-256, nonce=\"n=\", stale=TRUE, Basic realm=\"c\""
        )
        headers.append(.wwwAuthenticate, "digest realm=d,nonce=e==,opaque=\"\"")
        headers.append(.wwwAuthenticate, "Bearer abc.def/ghi==")
        let challenges = try headers.wwwChallenges()
        #expect(challenges.map(\.scheme) == ["Digest", "Basic", "digest", "Bearer"])
        #expect(challenges.map(\.isDigest) == [true, false, true, false])
        #expect(challenges.map(\.realm) == ["a, \"b\"", "c", "d", nil])
        #expect(challenges[0].qualityOfProtection == ["auth", "auth-int"])
        #expect(challenges[0].isStale && !challenges[2].isStale)
        #expect(challenges[0].nonce == "n=")
        #expect(challenges[2].nonce == "e==")
        #expect(challenges[2].opaque?.isEmpty == true)
    }

    @Test("credentials are quoted as RFC 7616 §3.4 wants it")
    func credentials() throws {
        let credentials = Credentials.digest(
            username: "a\"b", realm: "r", nonce: "n", uri: "sip:x@y", response: "00ff", algorithm: "MD5", opaque: "o",
            qualityOfProtection: "auth", clientNonce: "c", nonceCount: 26)
        #expect(
            credentials.text
                == "Digest username=\"a\\\"b\", realm=\"r\", nonce=\"n\", uri=\"sip:x@y\", response=\"00ff\", algorithm=MD5, "
                + "opaque=\"o\", qop=auth, cnonce=\"c\", nc=0000001a")
        #expect(try Credentials(credentials.text).nonceCount == 26)
        #expect(try Credentials("Digest nc=1ffffffff").nonceCount == nil)
        #expect(throws: SIPParseError.self) { try Credentials("Digest realm=\"x") }
        #expect(throws: SIPParseError.self) { try Credentials("") }
    }
}
