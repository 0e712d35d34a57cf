import Testing
import Wire

@Suite("The kernel's random numbers, several at a time")
struct BufferedRandomGeneratorTests {
    @Test("None comes twice, and each bit is set in about half of them")
    func numbers() {
        let generator = BufferedRandomGenerator()
        let numbers = (0..<20_000).map { _ in generator.next() }
        #expect(Set(numbers).count == numbers.count)
        for bit in 0..<64 {
            // Ten standard deviations (71) to either side.
            #expect((9_300...10_700).contains(numbers.count { $0 >> bit & 1 == 1 }))
        }
    }

    @Test("Whoever holds it beside another gives out no number of the other's")
    func shared() {
        let first = BufferedRandomGenerator()
        _ = first.next()
        let second = first
        let numbers = (0..<200).flatMap { _ in [first.next(), second.next()] }
        #expect(Set(numbers).count == numbers.count)
    }
}
