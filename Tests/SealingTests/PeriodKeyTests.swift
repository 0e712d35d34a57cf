import Sealing
import Testing
import Wire

@Suite("Period keys: rows, hashes, marks")
struct PeriodKeyTests {
    private let header: RecordHeader

    init() {
        var generator = SeededGenerator(seed: 3)
        header = RecordHeader(identifier: RecordIdentifier(using: &generator), kind: .call, schema: 1)
    }

    @Test("A row opens again with the same key, and with no other key, period, header or context")
    func binding() throws {
        let key = PeriodKey(period: "2026-11")
        let row = Array("row".utf8)
        let sealed = key.seal(row, as: header, context: "c")
        #expect(sealed.count == row.count + PeriodKey.overhead)
        #expect(try PeriodKey(key.secret, period: "2026-11").open(sealed, as: header, context: "c").revealed == row)
        #expect(throws: SealingProblem.notAuthentic) { try key.open(sealed, as: header) }
        #expect(throws: SealingProblem.notAuthentic) {
            try PeriodKey(key.secret, period: "2026-12").open(sealed, as: header, context: "c")
        }
        #expect(throws: SealingProblem.notAuthentic) {
            try PeriodKey(period: "2026-11").open(sealed, as: header, context: "c")
        }
        var other = header
        other.revision = 1
        #expect(throws: SealingProblem.notAuthentic) { try key.open(sealed, as: other, context: "c") }
        // A period's name and a context cannot be shifted into each other.
        #expect(throws: SealingProblem.notAuthentic) {
            try PeriodKey(key.secret, period: "2026-11\nc").open(sealed, as: header)
        }
    }

    @Test("Every bit of a row counts, and no nonce comes twice")
    func everyBit() throws {
        let key = PeriodKey(period: "2026-11")
        let sealed = key.seal(Array("a row".utf8), as: header)
        for bit in 0..<sealed.count * 8 {
            var altered = sealed
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SealingProblem.notAuthentic) { try key.open(altered, as: header) }
        }
        for cut in 0..<sealed.count {
            #expect(throws: SealingProblem.notAuthentic) { try key.open(Array(sealed[..<cut]), as: header) }
        }
        let nonces = Set((0..<2000).map { _ in Array(key.seal([], as: header).prefix(12)) })
        #expect(nonces.count == 2000)
    }

    @Test("A hash depends on key, meaning and text")
    func tokens() throws {
        let key = PeriodKey(period: "2026-11")
        let number = Redacted("+4930123456")
        let token = key.token(of: number, as: "number")
        #expect(try PeriodKey(key.secret, period: "2026-11").token(of: number, as: "number") == token)
        #expect(key.token(of: number, as: "end") != token)
        #expect(key.token(of: Redacted("+4930123457"), as: "number") != token)
        #expect(PeriodKey(period: "2026-11").token(of: number, as: "number") != token)
    }

    @Test("A mark fits its head only")
    func marks() {
        let key = PeriodKey(period: "2026-11")
        let mark = key.mark([1, 2, 3])
        #expect(mark.count == 32 && key.isMark(mark, of: [1, 2, 3]))
        #expect(!key.isMark(mark, of: [1, 2]) && !PeriodKey(period: "2026-11").isMark(mark, of: [1, 2, 3]))
    }
}
