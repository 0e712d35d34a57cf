import Testing

@testable import Ledger

@Suite("ITU-T G.107 mean opinion")
struct MeanOpinionTests {
    private func opinion(_ percent: Double, jitter: Int = 0, roundTrip: Int? = 0) -> Int64 {
        CallQuality.Direction.meanOpinion(
            loss: percent / 100, jitter: .milliseconds(jitter), roundTrip: roundTrip.map { .milliseconds($0) })
    }

    @Test("Annex B: the best is some 4.4, and G.711 with concealment falls with loss as G.113 has it")
    func loss() {
        // R = 93.2 − 0.024 · 20 − 95 · p ÷ (p + 25.1), and annex B's cubic of it.
        for (percent, expected) in [(0.0, 4400), (1, 4316), (5, 3903), (20, 2606)] {
            let found = opinion(percent)
            #expect(abs(found - Int64(expected)) <= 10, "\(percent) %: \(found)")
        }
    }

    @Test("Delay costs little up to 150 ms and much beyond; jitter is delay in a listener's buffer")
    func delay() {
        #expect(opinion(0, roundTrip: 100) > 4340)
        #expect(opinion(0, roundTrip: 800) < 3500)
        #expect(opinion(0, jitter: 100) < opinion(0, jitter: 10))
        #expect(opinion(0, roundTrip: nil) == opinion(0))
    }

    @Test("Nothing is outside of 1 to 4.5, whatever is measured")
    func bounds() {
        for percent in [-5.0, 0, 50, 100, 1000] {
            for roundTrip in [0, 10_000_000] {
                #expect((1000...4500).contains(opinion(percent, jitter: roundTrip, roundTrip: roundTrip)))
            }
        }
    }
}
