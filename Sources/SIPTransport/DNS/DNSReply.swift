package import SIP
package import Wire

/// The kinds of records that are asked for.
package enum DNSRecordType: UInt16, Sendable {
    case a = 1
    case cname = 5
    case soa = 6
    case aaaa = 28
    case srv = 33
    case naptr = 35
}

/// One record of a kind that SIP has a use for.
package enum DNSRecord: Hashable, Sendable {
    case host(NetworkAddress.Host)
    case srv(SRVRecord)
    case naptr(NAPTRRecord)
}

/// What a name server said to one question.
package struct DNSReply: Equatable, Sendable {
    package var records: [DNSRecord] = []
    /// Seconds: the smallest TTL of what led to the records; of none, what the zone says of absence (RFC 2308 §5).
    package var lifetime: UInt32
    /// The server could not or would not say; no records then.
    package var isFailure = false

    /// More records than these are passed over.
    package static let limit = 64
    private static let aliasLimit = 8
    private static let recordLimit = 512

    /// - Parameters:
    ///   - bytes: of the whole message.
    ///   - name: that was asked for.
    /// - Throws: ``DNSMessageError``; then nothing in it is of use.
    package init(_ bytes: [UInt8], to name: String, type: DNSRecordType) throws {
        var reader = DNSReader(bytes)
        _ = try reader.uint16()
        let flags = try reader.uint16()
        let counts = (
            questions: try reader.uint16(), answers: Int(try reader.uint16()), authority: Int(try reader.uint16())
        )
        _ = try reader.uint16()
        let asked = Self.canonical(name)
        guard flags & 0x8000 != 0, counts.questions == 1, try reader.name() == asked,
            try reader.uint16() == type.rawValue, try reader.uint16() == 1
        else { throw DNSMessageError.otherQuestion }
        // NOERROR and NXDOMAIN are answers, all others are failures; so is what did not fit.
        isFailure = ![0, 3].contains(flags & 0xf) || flags & 0x0200 != 0
        lifetime = 0
        if isFailure { return }

        var found: [(owner: String, ttl: UInt32, record: DNSRecord)] = []
        var aliases: [String: (name: String, ttl: UInt32)] = [:]
        for _ in 0..<min(counts.answers, Self.recordLimit) {
            let entry = try Entry(&reader)
            if entry.type == DNSRecordType.cname.rawValue {
                let name = try reader.name()
                if aliases[entry.owner] == nil { aliases[entry.owner] = (name, entry.ttl) }
            } else if entry.type == type.rawValue, found.count < Self.limit,
                let record = Self.record(type, entry, reader)
            {
                found.append((entry.owner, entry.ttl, record))
            }
            reader.skip(to: entry.end)
        }
        var owner = asked
        var smallest = UInt32.max
        for _ in 0..<Self.aliasLimit {
            guard let alias = aliases[owner] else { break }
            smallest = min(smallest, alias.ttl)
            owner = alias.name
        }
        let answers = found.filter { $0.owner == owner }
        records = answers.map(\.record)
        smallest = answers.reduce(smallest) { min($0, $1.ttl) }
        if records.isEmpty {
            lifetime = Self.absence(&reader, counts.authority)
        } else {
            lifetime = smallest
        }
    }

    /// The name as ``DNSReader`` reads it.
    static func canonical(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") && lower.utf8.count > 1 ? String(lower.dropLast()) : lower
    }

    /// The head of a resource record (RFC 1035 §3.2.1); the reader stands at its data afterwards.
    private struct Entry {
        let owner: String
        let type: UInt16
        let ttl: UInt32
        let length: Int
        let end: Int

        init(_ reader: inout DNSReader) throws(DNSMessageError) {
            owner = try reader.name()
            type = try reader.uint16()
            _ = try reader.uint16()
            // RFC 2181 §8: with the highest bit set it is taken for 0.
            let ttl = try reader.uint32()
            self.ttl = ttl > UInt32(Int32.max) ? 0 : ttl
            length = Int(try reader.uint16())
            end = reader.position + length
            guard end <= reader.bytes.count else { throw .truncated }
        }
    }

    /// - Returns: nil for data that makes no such record: one bad record does not spoil the others.
    private static func record(_ type: DNSRecordType, _ entry: Entry, _ start: DNSReader) -> DNSRecord? {
        var reader = start
        do {
            switch type {
            case .a:
                guard entry.length == 4 else { return nil }
                return .host(.ipv4(try reader.uint32()))
            case .aaaa:
                guard entry.length == 16 else { return nil }
                let (one, two) = (UInt64(try reader.uint32()), UInt64(try reader.uint32()))
                let (three, four) = (UInt64(try reader.uint32()), UInt64(try reader.uint32()))
                return .host(.ipv6(high: one << 32 | two, low: three << 32 | four))
            case .srv:
                let record = SRVRecord(
                    priority: try reader.uint16(), weight: try reader.uint16(), port: try reader.uint16(),
                    target: try reader.name())
                return reader.position == entry.end ? .srv(record) : nil
            case .naptr:
                let order = try reader.uint16()
                let preference = try reader.uint16()
                let flags = try reader.characterString()
                let service = try reader.characterString()
                // The regular expression: SIP has no use for it (RFC 3263 §4.1).
                _ = try reader.take(Int(try reader.byte()))
                let record = NAPTRRecord(
                    order: order, preference: preference, flags: flags, service: service,
                    replacement: try reader.name())
                return reader.position == entry.end ? .naptr(record) : nil
            case .cname, .soa: return nil
            }
        } catch {
            return nil
        }
    }

    /// How long it holds that there is nothing: the smaller of the SOA's TTL and its MINIMUM.
    private static func absence(_ reader: inout DNSReader, _ count: Int) -> UInt32 {
        for _ in 0..<min(count, 16) {
            guard let entry = try? Entry(&reader) else { return 0 }
            if entry.type == DNSRecordType.soa.rawValue, entry.length >= 4 {
                reader.skip(to: entry.end - 4)
                return min(entry.ttl, (try? reader.uint32()) ?? 0)
            }
            reader.skip(to: entry.end)
        }
        return 0
    }
}
