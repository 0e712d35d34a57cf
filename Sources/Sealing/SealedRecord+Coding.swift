import FoundationEssentials

// How a sealed record crosses the control socket: names of one letter, because a batch has hundreds of them, and what is sealed
// as base64.
//
//     {"i": "0f3a…", "k": 1, "r": 2, "s": 1, "d": "AbCd…"}

extension RecordIdentifier: Codable {
    /// - Throws: for anything but 32 hexadecimal digits.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let identifier = Self(hexadecimal: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a record identifier")
        }
        self = identifier
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private init?(hexadecimal text: String) {
        guard text.utf8.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text.utf8 {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue.flatMap(UInt8.init(exactly:)) else {
                return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.init(bytes)
    }
}

extension RecordHeader: Codable {
    private enum CodingKeys: String, CodingKey {
        case identifier = "i"
        case kind = "k"
        case revision = "r"
        case schema = "s"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            identifier: try container.decode(RecordIdentifier.self, forKey: .identifier),
            kind: try container.decode(RecordKind.self, forKey: .kind),
            revision: try container.decode(UInt8.self, forKey: .revision),
            schema: try container.decode(UInt16.self, forKey: .schema))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(identifier, forKey: .identifier)
        try container.encode(kind, forKey: .kind)
        try container.encode(revision, forKey: .revision)
        try container.encode(schema, forKey: .schema)
    }
}

extension SealedRecord: Codable {
    private enum CodingKeys: String, CodingKey {
        case sealed = "d"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            header: try RecordHeader(from: decoder), sealed: Array(try container.decode(Data.self, forKey: .sealed)))
    }

    package func encode(to encoder: any Encoder) throws {
        try header.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Data(sealed), forKey: .sealed)
    }
}
