import Crypto
import Foundation
import Testing
import Wire

@testable import Sealing

@Suite("Sealing to the box's public key (RFC 9180)")
struct SealingKeyTests {
    private static func header(revision: UInt8 = 0, schema: UInt16 = 1, kind: RecordKind = .call) -> RecordHeader {
        var generator = SeededGenerator(seed: 7)
        return RecordHeader(
            identifier: RecordIdentifier(using: &generator), kind: kind, revision: revision, schema: schema)
    }

    @Test("RFC 9180 A.2.1: X25519, HKDF-SHA256, ChaCha20-Poly1305 in base mode opens with the expected text")
    func vector() throws {
        let key = try OpeningKey(
            Redacted(bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")))
        #expect(
            hexadecimal(key.sealingKey.bytes) == "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
        let opened = try key.open(
            bytes("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28")[...],
            encapsulated: bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")[...],
            information: Data(bytes("4f6465206f6e2061204772656369616e2055726e")), associated: bytes("436f756e742d30"))
        #expect(String(decoding: opened.revealed, as: UTF8.self) == "Beauty is truth, truth beauty")
    }

    @Test(
        "What is sealed opens with the private key alone, and two seals of the same differ",
        arguments: [0, 1, 300, 20_000])
    func roundTrip(count: Int) throws {
        let key = OpeningKey()
        let record = [UInt8](repeating: 0x61, count: count)
        let public1 = try SealingKey(key.sealingKey.bytes)
        let first = try public1.seal(record, as: Self.header())
        let second = try public1.seal(record, as: Self.header())
        #expect(first.sealed != second.sealed && first.sealed.count == 1 + 32 + count + 16)
        #expect(try key.open(first).revealed == record)
        #expect(try OpeningKey(key.secret).open(second).revealed == record)
        #expect(throws: SealingProblem.notAuthentic) { try OpeningKey().open(first) }
    }

    @Test("Every bit of a sealed record counts")
    func everyBit() throws {
        let key = OpeningKey()
        let record = try key.sealingKey.seal(Array("record".utf8), as: Self.header())
        for bit in 0..<record.sealed.count * 8 {
            var altered = record
            altered.sealed[bit / 8] ^= 1 << UInt8(bit % 8)
            // RFC 7748 §5: the top bit of a u-coordinate is masked, so it alone cannot matter to the key agreement, but
            // the encapsulated key is hashed as it was sent.
            #expect(throws: SealingProblem.notAuthentic) { try key.open(altered) }
        }
        for cut in 0..<record.sealed.count {
            var altered = record
            altered.sealed = Array(record.sealed[..<cut])
            #expect(throws: SealingProblem.notAuthentic) { try key.open(altered) }
        }
    }

    @Test("A record cannot pass for another: the header is bound to it")
    func headers() throws {
        let key = OpeningKey()
        let record = try key.sealingKey.seal([1, 2, 3], as: Self.header())
        var other = Self.header()
        var generator = SeededGenerator(seed: 8)
        other.identifier = RecordIdentifier(using: &generator)
        let headers = [Self.header(revision: 1), Self.header(schema: 2), Self.header(kind: .trace), other]
        for header in headers {
            #expect(throws: SealingProblem.notAuthentic) {
                try key.open(SealedRecord(header: header, sealed: record.sealed))
            }
        }
    }

    @Test("A public key of another length or of low order seals nothing")
    func badKeys() throws {
        #expect(throws: SealingProblem.keyUnreadable) { try SealingKey([UInt8](repeating: 1, count: 31)) }
        // 0, 1, p - 1, p, and p + 1 (RFC 7748 §6.1, the small subgroup).
        let ends = ["ec", "ed", "ee"].map { $0 + String(repeating: "ff", count: 30) + "7f" }
        for text in ends + ["00", "01"].map({ $0 + String(repeating: "00", count: 31) }) {
            #expect(throws: SealingProblem.keyUnreadable) { try SealingKey(bytes(text)) }
        }
    }

    @Test("A call's identifier names its record")
    func identifiers() throws {
        let call = try #require(CallIdentifier("00ff1234567890abcdefdeadbeef0042"))
        #expect(RecordIdentifier(call).description == call.description)
        #expect(RecordIdentifier([1, 2, 3]) == nil)
    }
}

/// Hexadecimal digits to bytes; empty for anything else.
func bytes(_ text: String) -> [UInt8] {
    let digits = Array(text)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}
