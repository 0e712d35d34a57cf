import Crypto
import ICE
import Testing
import Wire

/// Messages as an attacker would change them.
enum Hostile {
    /// One to four random changes (gentle: one that moves nothing); the length field is mended half the time, so that
    /// the attributes are reached.
    static func mutated(
        _ original: some Sequence<UInt8>, gentle: Bool = false, using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = Array(original)
        for _ in 0..<(gentle ? 1 : Int.random(in: 1...4, using: &generator)) {
            let at = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<(gentle ? 2 : 7), using: &generator) {
            case 0 where !bytes.isEmpty: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where !bytes.isEmpty: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
            case 2: bytes.removeLast(bytes.count - at)
            case 3 where bytes.count >= 24:
                // A 4-byte word elsewhere: types, lengths and values change places.
                let from = Int.random(in: 0...(bytes.count - 4), using: &generator)
                bytes.insert(contentsOf: bytes[from..<from + 4], at: at & ~3)
            case 4 where at + 4 <= bytes.count: bytes.removeSubrange(at..<at + 4)
            case 5: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
            default:
                if bytes.count < 1_400 {
                    bytes += (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
                }
            }
        }
        if bytes.count >= 20, Bool.random(using: &generator) {
            let length = UInt16(truncatingIfNeeded: bytes.count - 20)
            bytes[2] = UInt8(length >> 8)
            bytes[3] = UInt8(length & 255)
        }
        return bytes
    }

    /// Appends a right FINGERPRINT, which needs no secret.
    static func fingerprinted(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 20 else { return bytes }
        var bytes = bytes
        let length = UInt16(truncatingIfNeeded: bytes.count + 8 - 20)
        bytes[2] = UInt8(length >> 8)
        bytes[3] = UInt8(length & 255)
        let value = fingerprint(bytes)
        bytes += [0x80, 0x28, 0, 4]
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        return bytes
    }

    /// Makes MESSAGE-INTEGRITY and FINGERPRINT, the last 32 bytes, right again, with swift-crypto's own HMAC.
    static func resealed(_ bytes: [UInt8], password: String) throws -> [UInt8] {
        var bytes = bytes
        let end = bytes.count - 32
        var vouched = Array(bytes[..<end])
        vouched[2] = UInt8((end + 24 - 20) >> 8)
        vouched[3] = UInt8((end + 24 - 20) & 255)
        let code = HMAC<Insecure.SHA1>.authenticationCode(
            for: vouched, using: SymmetricKey(data: Array(password.utf8)))
        bytes.replaceSubrange((end + 4)..<(end + 24), with: Array(code))
        return fingerprinted(bytes.dropLast(8))
    }
}

@Suite("STUN from strangers")
struct HostileSTUNTests {
    @Test("200,000 mutated checks never trap, and none is answered unless what is vouched for is untouched")
    func mutations() throws {
        let source = NetworkAddress(host: .ipv4(0xc000_0201), port: 50_000)
        let original = try Check(useCandidate: true).bytes()
        let vouched = original.count - 8
        var agent = ICELiteAgent(
            usernameFragment: "ourFragm", password: Check().password, remoteUsernameFragment: "theirs")
        var generator = SeededGenerator(seed: 5_769)
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: ICELiteAgent.longestReply, alignment: 1)
        defer { reply.deallocate() }
        var count = 0
        var answered = 0
        for round in 0..<200_000 {
            // Every second one gets a right FINGERPRINT, so that more than the checksum is tried.
            let bytes =
                round % 2 == 0
                ? Hostile.mutated(original, using: &generator)
                : Hostile.fingerprinted(
                    Hostile.mutated(original.dropLast(8), gentle: round % 4 == 1, using: &generator))
            lend(bytes) { buffer in
                let fragment = ICELiteAgent.usernameFragment(of: buffer)
                let action = agent.received(buffer, from: source, now: .zero, reply: reply)
                guard case .reply = action else { return }
                answered += 1
                #expect(fragment == "ourFragm")
                #expect(bytes[..<2] == original[..<2] && bytes[4..<vouched] == original[4..<vouched])
            }
            count += 1
        }
        print("STUN: \(count) mutated datagrams, \(answered) answered, \(agent.counters)")
        #expect(count >= 100_000)
        #expect(agent.counters.malformed > 1_000)
        #expect(agent.counters.wrongIntegrity > 1_000)
        #expect(agent.counters.wrongUsername > 1_000)
    }

    @Test("50,000 datagrams of random bytes behind a right header never trap")
    func noise() throws {
        var agent = ICELiteAgent(usernameFragment: "ourFragm", password: Check().password, remoteUsernameFragment: nil)
        var generator = SeededGenerator(seed: 8_489)
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: ICELiteAgent.longestReply, alignment: 1)
        defer { reply.deallocate() }
        for _ in 0..<50_000 {
            var bytes = (0..<Int.random(in: 0...96, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let header: [UInt8] = [0, 1, 0, UInt8(max(0, bytes.count - 20)), 0x21, 0x12, 0xa4, 0x42]
            for (index, byte) in header.enumerated() where index < bytes.count { bytes[index] = byte }
            lend(bytes) { buffer in
                _ = ICELiteAgent.usernameFragment(of: buffer)
                #expect(
                    agent.received(buffer, from: .init(host: .ipv4(1), port: 1), now: .zero, reply: reply) == .ignore)
            }
        }
    }
}
