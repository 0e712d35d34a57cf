import Wire

/// Names one phone socket of one browser tab: 32 lower-case hexadecimal digits, made by the web process.
package struct ConnectionIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(using generator: inout some RandomNumberGenerator) {
        description = hexadecimal(bytes: 16, using: &generator)
    }

    /// - Returns: nil unless `text` has 1 to 64 bytes.
    package init?(_ text: String) {
        guard (1...64).contains(text.utf8.count) else { return nil }
        description = text
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let identifier = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a connection identifier")
        }
        self = identifier
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
