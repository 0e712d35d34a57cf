import Audio
import Testing

@Suite("Audio: music for whoever waits")
struct HoldMusicTests {
    @Test("It goes on for longer than it lasts, never loud, never silent for a second")
    func goesOn() {
        var music = HoldMusic(sampleRate: 8_000)
        var loudest = 0
        var quietestSecond = Double.infinity
        for _ in 0..<80 {
            var second = [Int16](repeating: 0, count: 8_000)
            second.withUnsafeMutableBufferPointer { music.fill($0) }
            loudest = max(loudest, second.map { abs(Int($0)) }.max() ?? 0)
            let power = second.reduce(0.0) { $0 + Double($1) * Double($1) } / 8_000
            quietestSecond = min(quietestSecond, ToneLevel.dBm0(rootMeanSquare: power.squareRoot()))
        }
        #expect(loudest < 9_000)
        #expect(quietestSecond > -35)
    }

    @Test("It begins with the C of Bach's prelude, then E and G")
    func beginsWithC() {
        var music = HoldMusic(sampleRate: 8_000)
        for hertz in [261.63, 329.63, 392.0] {
            var note = [Int16](repeating: 0, count: 1_920)
            note.withUnsafeMutableBufferPointer { music.fill($0) }
            var meter = ToneMeter(frequency: hertz, sampleRate: 8_000)
            note.withUnsafeBufferPointer { meter.measure(.init(rebasing: $0[0..<1_920])) }
            #expect(meter.purity > 0.4, "\(hertz) Hz")
        }
    }
}
