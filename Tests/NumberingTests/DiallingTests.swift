import Numbering
import Testing

@Suite("How a number is dialled in a country")
struct DiallingTests {
    @Test(
        "Nationally at home, with the exit code abroad",
        arguments: [
            ("493023125000", "DE", "03023125000"), ("15005550006", "DE", "0015005550006"),
            ("15005550006", "US", "15005550006"), ("493023125000", "US", "011493023125000"),
        ])
    func dialled(digits: String, country: String, expected: String) throws {
        let plan = try #require(Region(country).flatMap(NumberingPlan.of))
        #expect(TelephoneNumber(digits: digits)?.dialled(in: plan) == expected)
    }
}
