package import Wire

extension TransportProtocol {
    /// The owner name of its SRV records (RFC 3263 §4.1, §4.2).
    func service(of domain: String) -> String {
        switch self {
        case .udp: "_sip._udp.\(domain)"
        case .tcp: "_sip._tcp.\(domain)"
        case .tls: "_sips._tcp.\(domain)"
        }
    }

    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`
    init?(naptrService: String) {
        switch naptrService.uppercased() {
        case "SIP+D2U": self = .udp
        case "SIP+D2T": self = .tcp
        case "SIPS+D2T": self = .tls
        default: return nil
        }
    }
}

/// One question to the DNS.
package enum DNSQuery: Hashable, Sendable, Codable {
    case naptr(String)
    case srv(String)
    /// A and AAAA together.
    case addresses(String)
}

/// RFC 3403; only what SIP uses.
package struct NAPTRRecord: Hashable, Sendable, Codable {
    package var order: UInt16
    package var preference: UInt16
    /// `s` where SRV records follow; any other is passed over.
    package var flags: String
    package var service: String
    package var replacement: String

    package init(order: UInt16, preference: UInt16, flags: String, service: String, replacement: String) {
        self.order = order
        self.preference = preference
        self.flags = flags
        self.service = service
        self.replacement = replacement
    }
}

/// RFC 2782
package struct SRVRecord: Hashable, Sendable, Codable {
    package var priority: UInt16
    package var weight: UInt16
    package var port: UInt16
    /// `.` says that the service does not exist here.
    package var target: String

    package init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }

    /// RFC 2782: by priority, and among equals at random by weight, so that each is first as often as its share.
    static func ordered(_ records: [SRVRecord], using generator: inout some RandomNumberGenerator) -> [SRVRecord] {
        var found: [SRVRecord] = []
        for (_, equals) in Dictionary(grouping: records, by: \.priority).sorted(by: { $0.key < $1.key }) {
            // Weight 0 goes first, so that it is picked only when the lot falls on 0.
            var left = equals.sorted { ($0.weight, $0.target, $0.port) < ($1.weight, $1.target, $1.port) }
            while !left.isEmpty {
                let lot = Int.random(in: 0...left.reduce(0) { $0 + Int($1.weight) }, using: &generator)
                var sum = 0
                let picked =
                    left.firstIndex { record in
                        sum += Int(record.weight)
                        return sum >= lot
                    } ?? 0
                found.append(left.remove(at: picked))
            }
        }
        return found
    }
}

/// What the DNS said.
package enum DNSAnswer: Hashable, Sendable, Codable {
    case naptr([NAPTRRecord])
    case srv([SRVRecord])
    case addresses([NetworkAddress.Host])
    /// The name, or records of this kind, do not exist.
    case nothing
    /// No name server answered, or none would say.
    case failed
}
