import SIPMessage
import Wire

/// Requests that are too large for UDP (RFC 3261 §18.1.1): within 200 bytes of the path MTU, or 1300 where that is not known,
/// as it never is. Routers lose the fragments of larger datagrams.
///
/// The transaction above goes on believing in UDP and repeats; here is known what went over TCP and need not go again,
/// and that CANCEL and ACK follow their INVITE, because servers match the transport too.
struct LargeRequests {
    enum Way: Equatable {
        case udp
        /// With TCP in its Via.
        case tcp([UInt8])
        /// It went over TCP before, which loses nothing.
        case sentBefore
    }

    static let sizeLimit = 1_300
    private static let branchLimit = 1_024
    /// How long a peer that took no connection is not asked again.
    private static let pause = Duration.seconds(600)

    private struct Transaction {
        /// The methods that were sent, with this branch.
        var methods: Set<SIPMethod>
        let peer: NetworkAddress
        let endsAt: MonotonicTime
    }

    private var transactions: [String: Transaction] = [:]
    private var refused: [NetworkAddress: MonotonicTime] = [:]

    /// How a message to a peer that is spoken with over UDP is to travel.
    mutating func way(of bytes: [UInt8], to peer: NetworkAddress, now: MonotonicTime) -> Way {
        let isLarge = bytes.count > Self.sizeLimit
        guard isLarge || (!transactions.isEmpty && Self.follows(bytes)), let message = try? SIPMessage.parse(bytes),
            case .request(var request) = message, var via = request.headers.topVia, let branch = via.branch,
            via.transport.uppercased() == TransportProtocol.udp.viaName
        else { return .udp }
        let known = transactions[branch].flatMap { $0.peer == peer && $0.endsAt > now ? $0 : nil }
        if known == nil {
            guard isLarge, refused[peer].map({ $0 <= now }) ?? true else { return .udp }
            forgetOld(now)
            guard transactions.count < Self.branchLimit else { return .udp }
        }
        guard known?.methods.contains(request.method) != true else { return .sentBefore }
        // 64·T1 of INVITE, and as long again for its ACK.
        var transaction = known ?? Transaction(methods: [], peer: peer, endsAt: now + .seconds(64))
        transaction.methods.insert(request.method)
        transactions[branch] = transaction
        via.transport = TransportProtocol.tcp.viaName
        request.headers.topVia = via
        return .tcp(request.serialized())
    }

    /// CANCEL or ACK, which share their INVITE's branch.
    private static func follows(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: "CANCEL ".utf8) || bytes.starts(with: "ACK ".utf8)
    }

    /// The peer takes no TCP: what was sent so goes by UDP, whole or in fragments.
    mutating func refused(by peer: NetworkAddress, now: MonotonicTime) {
        forgetOld(now)
        transactions = transactions.filter { $0.value.peer != peer }
        refused[peer] = now + Self.pause
    }

    /// The connection ended, and with it perhaps what was sent last: what is repeated goes again.
    mutating func lost(_ peer: NetworkAddress) {
        for (branch, transaction) in transactions where transaction.peer == peer {
            transactions[branch]?.methods = []
        }
    }

    /// A request that was meant for TCP.
    static func withUDPInVia(_ bytes: [UInt8]) -> [UInt8] {
        guard case .request(var request)? = try? SIPMessage.parse(bytes), var via = request.headers.topVia else {
            return bytes
        }
        via.transport = TransportProtocol.udp.viaName
        request.headers.topVia = via
        return request.serialized()
    }

    private mutating func forgetOld(_ now: MonotonicTime) {
        transactions = transactions.filter { $0.value.endsAt > now }
        refused = refused.filter { $0.value > now }
    }
}
