// SIPTrace: what was said to providers and heard from them, kept for a while so that a person can read it.
//
// In the room: the bounded memory of messages, and what of a message may be shown to whom.
// Never in the room: sockets, the clock, who asks, how a ladder looks on a terminal (Console knows).
//
//     every message ──▶ of a call, or of the registration ──▶ its story: the beginning, then a ring
//                  └──▶ of a provider, but of no call ───────▶ one small ring for all of them
//                  └──▶ of a stranger ───────────────────────▶ counted, nothing is kept
package import Wire

/// What messages belong to.
package enum TraceSubject: Hashable, Sendable {
    case registration
    case call(CallIdentifier)
    /// A provider's messages that belong to no call: refused invitations, OPTIONS.
    case others
}

extension TraceSubject: CustomStringConvertible {
    /// As people write it on the command line.
    package var description: String {
        switch self {
        case .registration: "registration"
        case .call(let call): call.description
        case .others: "others"
        }
    }
}

/// As one word, the same as on the command line.
extension TraceSubject: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        switch try container.decode(String.self) {
        case "registration": self = .registration
        case "others": self = .others
        case let name:
            guard let call = CallIdentifier(name) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a subject of a trace")
            }
            self = .call(call)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Which way a message went, seen from the box.
package enum TraceDirection: String, Sendable, Codable {
    case sent, received
}

/// How much may be kept.
package struct TraceLimits: Sendable, Equatable {
    /// Calls, the running ones among them.
    package var calls = 150
    /// Messages of one call or of the registration.
    package var messages = 200
    /// The first so many of them stay, whatever comes later: a call's troubles mostly begin with it.
    package var beginning = 40
    /// Of one call or of the registration.
    package var bytes = 256 * 1024
    /// Of everything together.
    package var allBytes = 4 * 1024 * 1024
    /// A provider's messages that belong to no call.
    package var others = 64

    package init() {}
}

/// What was not kept.
package struct TraceCounts: Sendable, Equatable, Codable {
    package var messages = 0
    package var bytes = 0

    package init() {}
}
