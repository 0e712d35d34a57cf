import Testing
import Wire

@testable import Switchboard

@Suite("How many new calls a second a provider gets")
struct CallPaceTests {
    @Test("Within any second no more than it takes; a burst is spread out, and what would wait too long is refused")
    func spread() {
        var pace = CallPace()
        var waits: [Duration?] = []
        for _ in 0..<10 {
            let wait = pace.wait(2, at: .zero)
            waits.append(wait)
            if let wait { pace.begin(2, after: wait, at: .zero) }
        }
        #expect(waits == [0, 0, 1, 1, 2, 2, 3, 3, nil, nil].map { $0.map { Duration.seconds($0) } })
        #expect(pace.wait(2, at: .zero + .milliseconds(3500)) == .milliseconds(500))
        #expect(pace.wait(2, at: .zero + .seconds(60)) == .zero)
    }
}
