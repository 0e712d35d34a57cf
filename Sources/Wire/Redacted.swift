/// Personal or secret data that must not reach a log: numbers, names, passwords, tokens, keys, SDP.
///
/// Printing, interpolating or mirroring it shows `‹redacted›`. Whoever truly needs the value says
/// `revealed`, which is easy to find in a review.
package struct Redacted<Value> {
    package var revealed: Value

    package init(_ value: Value) {
        revealed = value
    }
}

extension Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "‹redacted›" }
    package var debugDescription: String { "‹redacted›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Redacted: Sendable where Value: Sendable {}
extension Redacted: Equatable where Value: Equatable {}
extension Redacted: Hashable where Value: Hashable {}

extension Redacted: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws {
        revealed = try decoder.singleValueContainer().decode(Value.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(revealed)
    }
}
