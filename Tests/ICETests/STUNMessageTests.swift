import ICE
import Testing
import Wire

@Suite("RFC 5769 STUN test vectors")
struct STUNVectorTests {
    private let password = "VOkJxbRl1RmTxUk/WvJxBt"

    @Test("the sample request is read whole")
    func request() throws {
        guard let bytes = Corpus.read("stun/rfc5769/reqstc.bin") else { return }
        try lend(bytes) { buffer in
            let message = try STUNMessage(buffer)
            #expect(message.messageClass == .request)
            #expect(message.method == STUNMessage.bindingMethod)
            #expect(message.transaction.high == 0xb7e7_a701)
            #expect(message.transaction.low == 0xbc34_d686_fa87_dfae)
            #expect(message.username.map { String(decoding: $0, as: UTF8.self) } == "evtj:h6vY")
            #expect(message.priority == 0x6e00_01ff)
            #expect(message.controlled == 0x932f_f9b1_5126_3b36)
            #expect(message.controlling == nil)
            #expect(message.hasFingerprint)
            #expect(message.isIntact(key: STUNKey(password: password)))
            #expect(!message.isIntact(key: STUNKey(password: password + "x")))
            #expect(ICELiteAgent.usernameFragment(of: buffer) == "evtj")
        }
    }

    @Test(
        "the sample responses tell the mapped address",
        arguments: [("respv4.bin", "192.0.2.1:32853"), ("respv6.bin", "[2001:db8:1234:5678:11:2233:4455:6677]:32853")])
    func response(file: String, address: String) throws {
        guard let bytes = Corpus.read("stun/rfc5769/\(file)") else { return }
        try lend(bytes) { buffer in
            let message = try STUNMessage(buffer)
            #expect(message.messageClass == .success)
            #expect(message.mappedAddress == NetworkAddress(hostAndPort: address))
            #expect(message.hasFingerprint)
            #expect(message.isIntact(key: STUNKey(password: password)))
        }
    }

    @Test("a request with long-term credentials is read, though we have no key for it")
    func longTerm() throws {
        guard let bytes = Corpus.read("stun/rfc5769/reqltc.bin") else { return }
        try lend(bytes) { buffer in
            let message = try STUNMessage(buffer)
            #expect(message.username?.count == 18)
            #expect(!message.hasFingerprint)
            #expect(!message.isIntact(key: STUNKey(password: "TheMatrIX")))
        }
    }

    @Test("no single flipped bit passes both checks")
    func flips() throws {
        guard let bytes = Corpus.read("stun/rfc5769/reqstc.bin") else { return }
        let key = STUNKey(password: password)
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let passed = lend(changed) { buffer in
                guard let message = try? STUNMessage(buffer) else { return false }
                return message.hasFingerprint && message.isIntact(key: key)
            }
            #expect(!passed, "bit \(bit)")
        }
    }
}

@Suite("RFC 8489 STUN messages")
struct STUNMessageTests {
    @Test("what is written is read back", arguments: ["192.0.2.7:1", "[2001:db8::7]:65535"])
    func roundTrip(text: String) throws {
        let address = try #require(NetworkAddress(hostAndPort: text))
        let key = STUNKey(password: String(repeating: "long", count: 40))
        var buffer = [UInt8](repeating: 0xff, count: 200)
        let length = try buffer.withUnsafeMutableBytes { buffer in
            var writer = try STUNWriter(
                buffer, .error, method: 0xa7, transaction: .init(high: 0xffff_ffff, low: 0x1234_5678_9abc_def0))
            try writer.mappedAddress(address)
            try writer.errorCode(487, "Role Conflict")
            try writer.username("a:b")
            try writer.controlling(.max)
            try writer.useCandidate()
            try writer.unknownAttribute(0x7777)
            return try writer.finish(key: key)
        }
        let written = Array(buffer[..<length])
        #expect(
            fingerprint(written.dropLast(8)).bigEndian == lend(Array(written.suffix(4))) { $0.load(as: UInt32.self) })
        try lend(written) { buffer in
            let message = try STUNMessage(buffer)
            #expect(message.messageClass == .error)
            #expect(message.method == 0xa7)
            #expect(message.transaction == .init(high: 0xffff_ffff, low: 0x1234_5678_9abc_def0))
            #expect(message.mappedAddress == address)
            #expect(message.errorCode == 487)
            #expect(message.username.map { Array($0) } == Array("a:b".utf8))
            #expect(message.controlling == .max)
            #expect(message.useCandidate)
            #expect(message.hasFingerprint)
            #expect(message.firstUnknownRequired == nil)
            #expect(message.isIntact(key: key))
        }
    }

    @Test("a buffer that is too small is refused and never overrun", arguments: 0..<63)
    func noRoom(size: Int) throws {
        let address = try #require(NetworkAddress(hostAndPort: "192.0.2.7:1"))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { buffer.deallocate() }
        #expect(throws: WireError.self) {
            var writer = try STUNWriter(buffer, .success, transaction: .init(high: 0, low: 0))
            try writer.mappedAddress(address)
            _ = try writer.finish(key: STUNKey(password: "x"))
        }
    }

    @Test("every truncation is refused")
    func truncations() throws {
        let whole = try Check().bytes()
        for length in 0..<whole.count {
            _ = lend(Array(whole[..<length])) { buffer in
                #expect(throws: STUNError.self) { try STUNMessage(buffer) }
            }
        }
    }

    @Test("malformed attributes are refused where they are")
    func attributes() throws {
        /// A Binding request around attributes written by hand.
        func parse(_ attributes: [UInt8]) throws -> Bool {
            let header: [UInt8] =
                [0, 1, 0, UInt8(attributes.count), 0x21, 0x12, 0xa4, 0x42] + Array(repeating: 0, count: 12)
            return try lend(header + attributes) { buffer in try STUNMessage(buffer).firstUnknownRequired == nil }
        }
        #expect(throws: STUNError.attribute(offset: 20)) { try parse([0, 0x24, 0, 3, 1, 2, 3, 0]) }
        #expect(throws: STUNError.attribute(offset: 20)) { try parse([0, 0x06, 0, 5, 1, 2, 3, 0]) }
        #expect(throws: STUNError.attribute(offset: 20)) { try parse([0, 0x06, 0xff, 0xff]) }
        #expect(throws: STUNError.attribute(offset: 20)) { try parse([0, 0x20, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0]) }
        #expect(throws: STUNError.attribute(offset: 24)) { try parse([0, 0x25, 0, 0, 0, 0x08, 0, 4, 0, 0, 0, 0]) }
        #expect(throws: STUNError.attribute(offset: 20)) { try parse([0x80, 0x28, 0, 4, 0, 0, 0, 0, 0, 0x25, 0, 0]) }
        #expect(throws: STUNError.fingerprint) { try parse([0x80, 0x28, 0, 4, 0, 0, 0, 0]) }
        #expect(throws: STUNError.length) { try parse([0, 0x25]) }
        #expect(throws: STUNError.tooManyAttributes) {
            try parse(Array(repeating: [0, 0x25, 0, 0], count: 33).flatMap { $0 })
        }
        #expect(try parse([0x7f, 0, 0, 0]) == false)
        #expect(try parse([0xff, 0, 0, 1, 9, 0, 0, 0]))
    }

    @Test("nothing but a Binding request has a fragment to find a leg by")
    func fragment() throws {
        func find(_ check: Check) throws -> String? {
            try lend(check.bytes()) { ICELiteAgent.usernameFragment(of: $0) }
        }
        #expect(try find(Check()) == "ourFragm")
        #expect(try find(Check(username: "123456789012345:x")) == "123456789012345")
        #expect(try find(Check(username: "1234567890123456:x")) == nil)
        #expect(try find(Check(username: "nocolon")) == nil)
        #expect(try find(Check(messageClass: .success)) == nil)
        #expect(try find(Check(messageClass: .indication)) == nil)
        #expect(try find(Check(method: 3)) == nil)
        #expect(lend([]) { ICELiteAgent.usernameFragment(of: $0) } == nil)
    }
}
