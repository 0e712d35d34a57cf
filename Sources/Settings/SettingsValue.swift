/// What stands behind a key, as it was written: in TOML in the box's files, in JSON on the way from and to the page.
package enum SettingsValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    case texts([String])
    /// Nothing that any key takes.
    case other

    /// In TOML.
    package var toml: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .integer(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .texts(let texts): "[" + texts.map(Self.quoted).joined(separator: ", ") + "]"
        case .other: "{}"
        }
    }

    /// A key, in TOML: bare where it can be.
    static func key(_ key: String) -> String {
        let isBare = key.utf8.allSatisfy { byte in
            byte == 0x5f || byte == 0x2d || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
        }
        return isBare && !key.isEmpty ? key : quoted(key)
    }

    /// A basic string (TOML 1.0.0 "String") without anything that begins a line or ends one, whatever a reader takes for that.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: quoted += "\\\""
            case 0x5c: quoted += "\\\\"
            case 0...0x1f, 0x27, 0x7f...0x9f, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension SettingsValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .integer(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let texts = try? container.decode([String].self) {
            self = .texts(texts)
        } else {
            self = .other
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .flag(let flag): try container.encode(flag)
        case .texts(let texts): try container.encode(texts)
        case .other: try container.encodeNil()
        }
    }
}
