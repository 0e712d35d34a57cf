/// A country or territory with a numbering plan of its own, `DE`: ISO 3166-1. `001` is the world: satellites and services
/// that belong to no country.
package struct Region: Hashable, Sendable {
    package let code: String

    /// - Returns: nil unless the region has a numbering plan here, or is the world.
    package init?(_ text: String) {
        let upper = String(decoding: text.utf8.prefix(4).map { $0 &- 0x61 < 26 ? $0 & 0xdf : $0 }, as: UTF8.self)
        guard upper == "001" || NumberingPlan.byRegion[upper] != nil else { return nil }
        code = upper
    }

    /// A code out of the tables.
    init(known code: String) {
        self.code = code
    }

    package static let world = Region(known: "001")

    /// Every country and territory, without the world.
    package static let all = Set(NumberingPlan.byRegion.keys.map(Region.init(known:))).subtracting([world])
}

extension Region: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let region = Region(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a region with a numbering plan")
        }
        self = region
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}

extension Region: CustomStringConvertible {
    package var description: String { code }
}
