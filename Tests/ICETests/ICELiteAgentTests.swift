import ICE
import Testing
import Wire

@Suite("RFC 8445 §2.5 ICE-lite agent")
struct ICELiteAgentTests {
    private let first = NetworkAddress(host: .ipv4(0xc000_0201), port: 50_000)
    private let second = NetworkAddress(host: .ipv6(high: 0x2001_0db8_0000_0000, low: 9), port: 50_001)

    private func agent(remote: String? = "theirs") -> ICELiteAgent {
        ICELiteAgent(
            usernameFragment: "ourFragm", password: "a password of a leg 22", remoteUsernameFragment: remote)
    }

    /// - Returns: what the agent says to do, and the reply's bytes.
    private func receive(
        _ bytes: [UInt8], from source: NetworkAddress, at seconds: Int64 = 0, _ agent: inout ICELiteAgent
    ) -> (action: ICEAction, reply: [UInt8]) {
        var reply = [UInt8](repeating: 0, count: ICELiteAgent.longestReply)
        let action = lend(bytes) { bytes in
            reply.withUnsafeMutableBytes { reply in
                agent.received(
                    bytes, from: source, now: MonotonicTime(nanoseconds: seconds * 1_000_000_000), reply: reply)
            }
        }
        guard case .reply(let length, _) = action else { return (action, []) }
        return (action, Array(reply[..<length]))
    }

    @Test("answers a check with the mapped address, integrity and fingerprint")
    func answers() throws {
        var agent = agent()
        for (source, length) in [(first, 64), (second, 76)] {
            let (action, reply) = receive(try Check().bytes(), from: source, at: 3, &agent)
            #expect(action == .reply(length: length, nominated: false))
            try lend(reply) { buffer in
                let message = try STUNMessage(buffer)
                #expect(message.messageClass == .success)
                #expect(message.transaction == Check().transaction)
                #expect(message.mappedAddress == source)
                #expect(message.hasFingerprint)
                #expect(message.isIntact(key: STUNKey(password: Check().password)))
            }
            #expect(agent.isValidated(source))
        }
        #expect(agent.nominated == nil)
        #expect(agent.lastCheck == MonotonicTime(nanoseconds: 3_000_000_000))
        #expect(agent.counters.answered == 2)
    }

    @Test("USE-CANDIDATE chooses the address, and says so once for each change")
    func nomination() throws {
        var agent = agent()
        let nominating = try Check(useCandidate: true).bytes()
        #expect(
            receive(try Check().bytes(), from: second, at: 1, &agent).action == .reply(length: 76, nominated: false))
        #expect(agent.preferred == second)
        #expect(receive(nominating, from: first, at: 2, &agent).action == .reply(length: 64, nominated: true))
        #expect(agent.nominated == first)
        #expect(receive(nominating, from: first, at: 3, &agent).action == .reply(length: 64, nominated: false))
        #expect(
            receive(try Check().bytes(), from: second, at: 4, &agent).action == .reply(length: 76, nominated: false))
        #expect(agent.preferred == first)
        #expect(receive(nominating, from: second, at: 5, &agent).action == .reply(length: 76, nominated: true))
        #expect(agent.nominated == second)
    }

    @Test("what fails is not answered, is counted, and changes nothing")
    func silence() throws {
        var agent = agent()
        var expected = ICELiteAgent.Counters()
        func ignored(_ bytes: [UInt8], _ count: WritableKeyPath<ICELiteAgent.Counters, UInt64>) {
            expected[keyPath: count] += 1
            #expect(receive(bytes, from: first, &agent).action == .ignore)
            #expect(agent.counters == expected)
        }
        ignored(try Check(password: "the password of another").bytes(), \.wrongIntegrity)
        ignored(try Check(integrity: false).bytes(), \.wrongIntegrity)
        ignored(try Check(username: "ourFragm:other").bytes(), \.wrongUsername)
        ignored(try Check(username: "ourFrag:theirs").bytes(), \.wrongUsername)
        ignored(try Check(username: "ourFragm").bytes(), \.wrongUsername)
        ignored(try Check(messageClass: .success).bytes(), \.notACheck)
        ignored(try Check(messageClass: .indication).bytes(), \.notACheck)
        ignored(try Check(method: 3).bytes(), \.notACheck)
        ignored([], \.malformed)
        ignored(Array("INVITE sip:x SIP/2.0\r\n\r\n".utf8), \.malformed)
        var withoutFingerprint = Array(try Check().bytes().dropLast(8))
        withoutFingerprint[3] -= 8
        ignored(withoutFingerprint, \.wrongIntegrity)
        #expect(!agent.isValidated(first))
        #expect(agent.lastCheck == nil)
    }

    @Test("before the peer's description came, our half of USERNAME is enough")
    func halfUsername() throws {
        var agent = agent(remote: nil)
        let (action, _) = receive(try Check(username: "ourFragm:whoever").bytes(), from: first, &agent)
        #expect(action == .reply(length: 64, nominated: false))
    }

    @Test("a peer that says it is controlled is told to switch: 487, RFC 8445 §7.3.1.1")
    func roleConflict() throws {
        var agent = agent()
        let (action, reply) = receive(try Check(useCandidate: true, controlling: false).bytes(), from: first, &agent)
        #expect(action == .reply(length: reply.count, nominated: false))
        try lend(reply) { buffer in
            let message = try STUNMessage(buffer)
            #expect(message.messageClass == .error)
            #expect(message.errorCode == 487)
            #expect(message.isIntact(key: STUNKey(password: Check().password)))
        }
        #expect(!agent.isValidated(first))
        #expect(agent.counters.roleConflict == 1)
    }

    @Test("an attribute that must be understood and is not gets 420, RFC 8489 §6.3.1")
    func unknownAttribute() throws {
        var agent = agent()
        var bytes = [UInt8](repeating: 0, count: 256)
        let length = try bytes.withUnsafeMutableBytes { buffer in
            var writer = try STUNWriter(buffer, .request, transaction: .init(high: 1, low: 2))
            try writer.username("ourFragm:theirs")
            try writer.priority(1)
            return try writer.finish(key: STUNKey(password: Check().password))
        }
        // PRIORITY becomes 0x7024, and what vouches for it is made anew.
        bytes[20 + 20] = 0x70
        let changed = try Hostile.resealed(Array(bytes[..<length]), password: Check().password)
        let (action, reply) = receive(changed, from: first, &agent)
        #expect(action == .reply(length: reply.count, nominated: false))
        #expect(try lend(reply) { try STUNMessage($0).errorCode } == 420)
        #expect(agent.counters.unknownAttribute == 1)
    }

    @Test("remembers few addresses, forgets the most silent, never the nominated one")
    func bounded() throws {
        var agent = agent()
        let check = try Check().bytes()
        _ = receive(try Check(useCandidate: true).bytes(), from: first, &agent)
        for port in UInt16(1)...1_000 {
            _ = receive(check, from: NetworkAddress(host: first.host, port: port), at: Int64(port), &agent)
        }
        #expect(agent.isValidated(first))
        let kept = (UInt16(1)...1_000).filter { agent.isValidated(NetworkAddress(host: first.host, port: $0)) }
        #expect(kept == Array(1_001 - UInt16(ICELiteAgent.mostValidatedAddresses - 1)...1_000))
    }

    @Test("a reply buffer that is too small means no reply", arguments: [0, 19, 63])
    func smallBuffer(size: Int) throws {
        var agent = agent()
        let check = try Check().bytes()
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { reply.deallocate() }
        let action = lend(check) { agent.received($0, from: first, now: .zero, reply: reply) }
        #expect(action == .ignore)
        #expect(!agent.isValidated(first))
    }
}
