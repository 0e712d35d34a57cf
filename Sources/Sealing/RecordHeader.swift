package import Wire

/// Names one record: 128 random bits, so that it tells neither when it was made nor on which box.
package struct RecordIdentifier: Hashable, Sendable {
    /// 16 of them.
    package let bytes: [UInt8]

    /// - Returns: nil unless there are 16 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// A call's record is named like the call.
    package init(_ call: CallIdentifier) {
        // The text of a call identifier is 32 hexadecimal digits, always.
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in call.description.utf8 {
            let value = digit < 0x3a ? digit &- 0x30 : digit &- 0x57
            if let first = high {
                bytes.append(first << 4 | value & 15)
                high = nil
            } else {
                high = value
            }
        }
        self.bytes = bytes
    }

    package init(using generator: inout some RandomNumberGenerator) {
        bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}

extension RecordIdentifier: CustomStringConvertible {
    /// 32 lower-case hexadecimal digits.
    package var description: String { hexadecimal(bytes) }
}

/// What sort of record it is. Each has its own keys and files, so that each can be kept for its own time.
package enum RecordKind: UInt8, Hashable, Sendable, CaseIterable, Codable {
    /// A call: who, when, how it ended.
    case call = 1
    /// How a call sounded: series of figures from both directions.
    case quality = 2
    /// The messages of a call, for finding faults.
    case trace = 3
    /// Who did what on the box.
    case audit = 4

    /// As in file names.
    package var name: String {
        switch self {
        case .call: "calls"
        case .quality: "quality"
        case .trace: "traces"
        case .audit: "audit"
        }
    }
}

/// What stands in clear beside a sealed record, and is bound to it: nobody can exchange it unnoticed.
package struct RecordHeader: Hashable, Sendable {
    package var identifier: RecordIdentifier
    package var kind: RecordKind
    /// The same record, told again when more is known of it: the highest revision is the truth. 0 first.
    package var revision: UInt8
    /// The form of what is sealed; a reader refuses those it does not know.
    package var schema: UInt16

    package init(identifier: RecordIdentifier, kind: RecordKind, revision: UInt8 = 0, schema: UInt16) {
        (self.identifier, self.kind, self.revision, self.schema) = (identifier, kind, revision, schema)
    }

    /// ```
    /// label, one byte 0 │ identifier (16) │ kind (1) │ revision (1) │ schema (2) │ more
    /// ```
    /// All fields but the last have a fixed width, so that two headers never give the same bytes.
    func associatedData(_ label: String, _ more: String = "") -> [UInt8] {
        var data = Array(label.utf8) + [0] + identifier.bytes + [kind.rawValue, revision]
        data.append(bigEndian: UInt64(schema), width: 2)
        return data + Array(more.utf8)
    }
}

/// A record as it lies in the core's spool and crosses the control socket.
package struct SealedRecord: Hashable, Sendable {
    package var header: RecordHeader
    /// See ``SealingKey``.
    package var sealed: [UInt8]

    package init(header: RecordHeader, sealed: [UInt8]) {
        (self.header, self.sealed) = (header, sealed)
    }
}
