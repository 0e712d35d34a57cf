import SIPMessage
import Testing
import Wire

private func message(_ name: String) throws -> SIPMessage? {
    guard let vector = Corpus.vector(name) else { return nil }
    return try SIPMessage.parse(vector.bytes)
}

@Suite("RFC 4475 torture messages: what they say")
struct TortureDetailTests {
    @Test("§3.1.1.1 white space and folding anywhere do not change the meaning")
    func whitespace() throws {
        guard let headers = try message("wsinv")?.headers else { return }
        #expect(headers.to?.tag == "1918181833n")
        #expect(headers.from?.displayName == "J Rosenberg \\\"")
        #expect(headers.from?.tag == "98asjd8")
        #expect(headers.cseq == CSeq(9, .invite))
        #expect(headers.maxForwards == 68)
        #expect(headers[.subject]?.isEmpty == true)
        let vias = try headers.vias()
        #expect(vias.map(\.transport) == ["UDP", "TCP", "UDP"])
        #expect(vias.map(\.branch) == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"])
        #expect(vias.first?.transactionBranch == nil)
        #expect(headers.contact?.parameters["q"] == "0.33")
        #expect(headers.contact?.displayName == "Quoted string \"\"")
        #expect(try headers.routes().first?.uri.sip?.isLooseRouter == true)
        #expect(
            SIPHeaderName("newFANGLEDheader").flatMap { headers[$0] } == "newfangled value continued newfangled value")
    }

    @Test("§3.1.1.2 the whole range of characters is kept")
    func characters() throws {
        guard let request = try message("intmeth")?.request else { return }
        #expect(request.method.rawValue == "!interesting-Method0123456789_*+`.%indeed'~")
        #expect(!SIPMethod.registered.contains(request.method))
        #expect(request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
        #expect(request.uri.sip?.host == SIPHost("example.com"))
        #expect(request.headers.to?.displayName == "BEL:\u{7} NUL:\u{0} DEL:\u{7f}")
        #expect(request.headers.from?.parameters["fromparam''~+*_!.-%"] == "работающий")
        #expect(request.headers.maxForwards == 255)
    }

    @Test("§3.1.1.3 to §3.1.1.5 escapes are undone in users, and never in tokens")
    func escapes() throws {
        guard let first = try message("esc01")?.request, let null = try message("escnull")?.headers,
            let method = try message("esc02")?.request
        else { return }
        #expect(first.uri.user == "sips:user@example.com")
        #expect(first.headers.from?.uri.user == "I have spaces")
        #expect(first.headers.contact?.uri.sip?.parameters["n%61me"] == "v%61lue%25%34%31")
        #expect(null.to?.uri.user == "null-\u{0}-null")
        #expect(try null.addresses(.contact).map { $0.uri.user } == ["\u{0}", "\u{0}\u{0}"])
        #expect(method.method != .register)
        #expect(method.headers.to?.displayName == "%Z%45")
        #expect(try method.headers.addresses(.contact).count == 2)
    }

    @Test("§3.1.1.6 to §3.1.1.10 unusual and long forms")
    func forms() throws {
        guard let display = try message("lwsdisp")?.headers, let long = try message("longreq")?.request,
            let double = try message("dblreq")?.request, let semicolon = try message("semiuri")?.request,
            let transports = try message("transports")?.headers
        else { return }
        #expect(display.from?.displayName == "caller")
        #expect(try long.headers.vias().count == 34)
        #expect(long.body.count == 150)
        #expect(double.method == .register)
        #expect(double.body.isEmpty)
        #expect(semicolon.uri.user == "user;par=u@example.net")
        #expect(try transports.vias().map(\.transport) == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"])
    }

    @Test("§3.1.1.11 to §3.1.1.13 binary bodies, UTF-8 and missing reason phrases")
    func bodiesAndReasons() throws {
        guard let parts = try message("mpart01")?.request, let words = try message("unreason")?.response,
            let silent = try message("noreason")?.response
        else { return }
        #expect(parts.body.count == 553)
        #expect(parts.headers.contentType?.parameters["boundary"] == "7a9cbec02ceef655")
        #expect(words.status == 200)
        #expect(words.reason == "= 2**3 * 5**2 но сто девяносто девять - простое")
        #expect(silent.status == 100)
        #expect(silent.reason.isEmpty)
    }

    @Test("§3.2 and §3.3 what the layers above need in order to refuse")
    func semantics() throws {
        guard let branch = try message("badbranch")?.headers, let scheme = try message("unkscm")?.request,
            let novel = try message("novelsc")?.request, let register = try message("unksm2")?.headers,
            let extensions = try message("bext01")?.headers, let type = try message("invut")?.headers,
            let scheme2 = try message("regaut01")?.headers, let broadcast = try message("bcast")?.headers
        else { return }
        #expect(branch.topVia?.branch == Via.magicCookie)
        #expect(branch.topVia?.transactionBranch == nil)
        #expect(scheme.uri == .other(scheme: "nobodyknowsthisscheme", rest: "totallyopaquecontent"))
        #expect(novel.uri.sip == nil)
        #expect(register.to?.uri == .other(scheme: "isbn", rest: "2983792873"))
        #expect(extensions.require == ["nothingsupportsthis", "nothingsupportsthiseither"])
        #expect(type.contentType.map { $0.matches(.sdp) } == false)
        #expect(scheme2.authorization?.isDigest == false)
        #expect(try broadcast.vias().count == 2)
    }

    @Test("§3.3.11 to §3.4.1 what is unusual and must work")
    func unusual() throws {
        guard let last = try message("zeromf")?.headers, let header = try message("cparam01")?.headers,
            let inner = try message("cparam02")?.headers, let escaped = try message("regescrt")?.headers,
            let old = try message("inv2543")?.request
        else { return }
        #expect(last.maxForwards == 0)
        #expect(header.contact?.parameters.contains("unknownparam") == true)
        #expect(inner.contact?.uri.sip?.parameters.contains("unknownparam") == true)
        #expect(escaped.contact?.uri.sip?.escapedHeaders == "Route=%3Csip:sip.example.com%3E")
        #expect(old.headers.topVia?.branch == nil)
        #expect(old.headers.from?.tag == nil)
        #expect(old.headers.to?.parameters["user"] == "phone")
        #expect(!old.body.isEmpty)
    }

    @Test("§3.1.2.15 a comma in a bare display name is taken as quoted")
    func displayName() throws {
        guard let headers = try message("baddn")?.headers else { return }
        #expect(headers.from?.displayName == "Bell, Alexander")
        #expect(headers.from?.text.hasPrefix("\"Bell, Alexander\" <") == true)
    }
}

@Suite("RFC 5118 IPv6 torture messages: what they say")
struct IPv6DetailTests {
    @Test("digits inside the brackets are address, outside port")
    func ports() throws {
        guard let inside = try message("port-ambiguous")?.request?.uri.sip,
            let outside = try message("port-unambiguous")?.request?.uri.sip
        else { return }
        #expect(inside.host.address == NetworkAddress.Host("2001:db8::10:5070"))
        #expect(inside.port == nil)
        #expect(outside.numericAddress == NetworkAddress("2001:db8::10", port: 5070))
    }

    @Test("received is understood with and without brackets")
    func received() throws {
        for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
            guard let headers = try message(name)?.headers else { return }
            #expect(headers.topVia?.received == NetworkAddress.Host("2001:db8::9:255"))
        }
    }

    @Test("mapped and mixed addresses")
    func mixed() throws {
        guard let mapped = try message("ipv4-mapped-ipv6")?.headers,
            let mixed = try message("mult-ip-in-header")?.headers
        else { return }
        #expect(mapped.topVia?.responseTarget == NetworkAddress("192.0.2.10", port: 19823))
        #expect(try mixed.vias().last?.received == NetworkAddress.Host("192.0.2.200"))
        #expect(mixed.topVia?.responseTarget == NetworkAddress("2001:db8::9:1", port: 6050))
    }
}
