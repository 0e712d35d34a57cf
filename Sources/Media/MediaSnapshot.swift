package import Wire

/// What the media engine counts, at one moment.
package struct MediaSnapshot: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable {
        case browser, trunk
    }

    /// One leg's figures since it was opened.
    package struct Leg: Sendable, Codable, Equatable {
        package var identifier: LegIdentifier
        package var kind: Kind
        package var packetsIn: UInt64 = 0
        package var bytesIn: UInt64 = 0
        package var packetsOut: UInt64 = 0
        package var bytesOut: UInt64 = 0
        /// Packets that should have come and did not (RFC 3550 A.3); negative when some came twice.
        package var lost: Int = 0
        /// Interarrival jitter (RFC 3550 §6.4.1), in milliseconds.
        package var jitterMilliseconds: Double = 0
        /// From the peer's last report (RFC 3550 §6.4.1), in milliseconds; nil before one came.
        package var roundTripMilliseconds: Double?
        /// The codec last received: `opus`, `pcmu`, `pcma`.
        package var codecIn: String?
        /// The codec last sent.
        package var codecOut: String?
        /// The SRTP protection profile's name; nil for plain RTP or before the handshake.
        package var srtpProfile: String?
    }

    package var legs: [Leg] = []
    /// Open UDP sockets: the browser port and two for each trunk leg.
    package var sockets = 0
    package var opusEncoders = 0
    package var opusDecoders = 0
    package var dtlsEndpoints = 0
    /// Addresses that a valid STUN check came from.
    package var validatedAddresses = 0
    /// Datagrams and packets that were dropped, by reason.
    package var dropped: [String: UInt64] = [:]

    package var droppedTotal: UInt64 { dropped.values.reduce(0, &+) }

    package init() {}
}

/// Why something that arrived was not used.
enum DropReason: Int, CaseIterable {
    /// Longer than any packet of ours, or cut off by the kernel.
    case oversized
    /// The first byte is of no protocol spoken here (RFC 7983 §7).
    case unknownProtocol
    /// STUN that names no leg, or that is not a request of ours.
    case strangerSTUN
    /// A check that names a leg and fails its integrity or syntax.
    case badSTUN
    /// DTLS from an address that passed no check.
    case strangerDTLS
    /// SRTP from an address that passed no check.
    case strangerSRTP
    /// SRTP before the keys.
    case earlySRTP
    /// SRTP or SRTCP that fails authentication or is a replay.
    case badSRTP
    /// RTP whose header does not parse.
    case badRTP
    case badRTCP
    /// A payload type that was not agreed on.
    case unknownPayloadType
    /// Trunk RTP from an address that is not the peer's.
    case foreignSource
    /// A late packet that the transcoder has passed already.
    case late
    /// Opus that does not decode, or an encoder that refused.
    case codec
    /// The kernel refused to send.
    case unsent

    var name: String { "\(self)" }
}

/// One counter for each reason: an array made once.
struct DropCounters {
    private var counts = [UInt64](repeating: 0, count: DropReason.allCases.count)

    mutating func count(_ reason: DropReason, _ times: UInt64 = 1) {
        counts[reason.rawValue] &+= times
    }

    /// Only the reasons that occurred.
    var named: [String: UInt64] {
        var result: [String: UInt64] = [:]
        for reason in DropReason.allCases where counts[reason.rawValue] > 0 {
            result[reason.name] = counts[reason.rawValue]
        }
        return result
    }
}
