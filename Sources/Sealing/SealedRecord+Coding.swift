import FoundationEssentials
import Wire

// How a sealed record crosses the control socket: names of one letter, because a batch has hundreds of them, and what is sealed
// as base64.
//
//     {"i": "0f3a…", "k": 1, "r": 2, "s": 1, "d": "AbCd…"}

extension RecordIdentifier: Codable {
    /// - Throws: for anything but 32 lower-case hexadecimal digits.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let call = CallIdentifier(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a record identifier")
        }
        self.init(call)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
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
