import SIPMessage
import Testing
import Wire

/// Messages made of anything that the types allow.
private struct Maker {
    var random: SeededGenerator

    mutating func one<Element>(of choices: [Element]) -> Element {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }

    mutating func maybe() -> Bool { Bool.random(using: &random) }

    /// Text of any kind that does not begin or end with white space, with every character that has a meaning.
    mutating func text() -> String {
        let pieces = [
            "a", "Z", "0", "é", "日本", "\"", "\\", "<", ">", ";", ",", "=", "@", "%", "%41", "?", ":", " x", "\t.", "&",
            "'", "(", ")", "[", "]", "#", "*", "+", "\u{0}", "\u{7f}", "🎧",
        ]
        return "a" + (0..<Int.random(in: 0...8, using: &random)).map { _ in one(of: pieces) }.joined()
    }

    mutating func token() -> String {
        (0...Int.random(in: 0...9, using: &random)).map { _ in one(of: ["a", "Q", "7", "-", ".", "!", "%", "*", "_"]) }
            .joined()
    }

    mutating func host() -> SIPHost {
        let hosts = ["example.net", "192.0.2.7", "[2001:db8::1]", "a-b.c_d", "[::ffff:192.0.2.1]", "10.1", "x"]
        return SIPHost(one(of: hosts)) ?? SIPHost(.ipv4(1))
    }

    mutating func parameters(forURI: Bool) -> SIPParameters {
        var parameters = SIPParameters()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            if maybe() {
                parameters.insert(flag: forURI ? one(of: ["lr", "ob", "x-y"]) : token())
            } else {
                parameters[forURI ? one(of: ["transport", "a%20b", "ttl"]) : token()] =
                    forURI ? one(of: ["udp", "a%20b", "1", "", "[::1]", "x=y"]) : text()
            }
        }
        return parameters
    }

    mutating func uri() -> SIPURI {
        var uri = SIPURI(
            isSecure: maybe(), user: maybe() ? text() : nil, host: host(), parameters: parameters(forURI: true))
        if maybe() { uri.port = UInt16.random(in: 0...65_535, using: &random) }
        return uri
    }

    mutating func address() -> NameAddress {
        let target: URI = maybe() ? .sip(uri()) : .other(scheme: "tel", rest: "+4930123;phone-context=x")
        return NameAddress(displayName: maybe() ? text() : nil, uri: target, parameters: parameters(forURI: false))
    }

    mutating func via() -> Via {
        let sentBy = NetworkAddress(host: .ipv4(UInt32.random(in: 0...UInt32.max, using: &random)), port: 5060)
        var via = Via(transport: one(of: ["UDP", "TLS"]), sentBy: sentBy, branch: Via.magicCookie + token())
        via.host = host()
        if maybe() { via.note(source: sentBy) }
        if maybe() { via.port = nil }
        return via
    }
}

@Suite("What is written is read back identically")
struct RoundTripTests {
    @Test("requests and responses made of anything", arguments: 1...4)
    func messages(seed: UInt64) throws {
        var maker = Maker(random: SeededGenerator(seed: seed))
        for _ in 0..<500 {
            let method = SIPMethod(rawValue: maker.token()) ?? .invite
            let (via, from, to, contact) = (maker.via(), maker.address(), maker.address(), maker.address())
            var request = SIPRequest(
                method, maker.uri(), via: via, from: from, to: to, callID: maker.token(),
                cseq: UInt32.random(in: 0..<(1 << 31), using: &maker.random))
            request.headers.contact = contact
            let routes = (0..<Int.random(in: 0...3, using: &maker.random)).map { _ in maker.address() }
            request.headers.setRoutes(routes)
            for _ in 0..<Int.random(in: 0...5, using: &maker.random) {
                guard let name = SIPHeaderName("X-" + maker.token()) else { continue }
                request.headers.append(name, maker.text())
            }
            if maker.maybe() {
                request.setBody((0..<64).map { _ in UInt8.random(in: 0...255, using: &maker.random) })
            }
            try roundTrip(.request(request))
            #expect(request.headers.topVia == via)
            #expect(request.headers.from == from)
            #expect(request.headers.to == to)
            #expect(request.headers.contact == contact)
            #expect(try request.headers.routes() == routes)

            var response = SIPResponse(
                to: request, status: Int.random(in: 100...699, using: &maker.random),
                reason: maker.maybe() ? maker.text() : nil, toTag: maker.token())
            if maker.maybe() { response.setBody([UInt8](maker.text().utf8)) }
            try roundTrip(.response(response))
        }
    }

    private func roundTrip(_ message: SIPMessage) throws {
        let bytes = message.serialized()
        let read = try SIPMessage.parse(bytes)
        #expect(read == message)
        // Strings are equal in more ways than bytes.
        #expect(read.serialized() == bytes)
        let lent = try bytes.withUnsafeBytes { try SIPMessage.parse($0) }
        #expect(lent == message)
    }

    @Test("challenges and credentials made of anything")
    func authentication() throws {
        var maker = Maker(random: SeededGenerator(seed: 9))
        for _ in 0..<1_000 {
            let challenges = (0...2).map { _ in
                var parameters = SIPParameters()
                for name in ["realm", "nonce", "opaque", "algorithm", "qop", "stale"] where maker.maybe() {
                    parameters[name] = maker.maybe() ? maker.token() : maker.text()
                }
                return Challenge(scheme: "Digest", parameters: parameters)
            }
            let joined = challenges.map(\.text).joined(separator: ", ")
            #expect(try Challenge.list(joined) == challenges)
            let credentials = Credentials.digest(
                username: maker.text(), realm: maker.text(), nonce: maker.text(), uri: maker.uri().text,
                response: maker.token(), algorithm: "SHA-256", opaque: maker.text(), qualityOfProtection: "auth",
                clientNonce: maker.text(), nonceCount: UInt32.random(in: 0...UInt32.max, using: &maker.random))
            #expect(try Credentials(credentials.text) == credentials)
        }
    }
}
