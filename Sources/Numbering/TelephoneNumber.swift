/// An international telephone number: country code and national number, at most 15 digits (ITU-T E.164 §6).
///
/// There is one value for one number, whatever way it was written. It is personal data: printing it shows nothing.
package struct TelephoneNumber: Hashable, Sendable {
    /// Without the plus, 5...15 of them, the first not 0.
    package let digits: String
    /// `49`, `1`, `358`
    package let callingCode: String

    /// - Parameter digits: country code and national number, nothing else.
    /// - Returns: nil for other bytes, a country code that nobody has, or a length that no number has.
    package init?(digits: String) {
        guard (5...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let callingCode = NumberRanges.callingCode(of: digits)
        else { return nil }
        self.digits = digits
        self.callingCode = callingCode
    }

    /// `+4930123456`
    package var e164: String { "+" + digits }

    /// Without the country code.
    package var national: String { String(decoding: digits.utf8.dropFirst(callingCode.utf8.count), as: UTF8.self) }

    /// Whose number it is, by its longest known prefix.
    package var region: Region { NumberRanges.entry(for: self).region }

    package var kind: NumberKind { NumberRanges.entry(for: self).kind }
}

extension TelephoneNumber: CustomStringConvertible, CustomReflectable {
    package var description: String { "‹redacted›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension TelephoneNumber: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let number = TelephoneNumber(digits: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a telephone number")
        }
        self = number
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digits)
    }
}
