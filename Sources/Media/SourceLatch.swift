import Wire

/// Decides whose RTP a trunk leg listens to, and where its own goes (symmetric RTP, RFC 4961).
///
/// The signalled host may send from any port, because carriers' gateways do. Another host is believed once
/// and only when the signalled one cannot be what it says: it is private, or it has been silent. A
/// stranger who guesses the port so gets nothing while the carrier speaks.
///
/// ```
///                 no description yet: first source ──▶ provisional ─┐ re-checked when the
///   empty ──▶                                                       │ description comes
///                 from the signalled host ───────────▶ signalled ◀──┘
///                 from elsewhere, signalled is private
///                 or silent for 500 ms, once ────────▶ elsewhere ──▶ signalled as soon as that host speaks
/// ```
struct SourceLatch: Equatable, Codable, Sendable {
    static let patience = Duration.milliseconds(500)

    private enum Origin: String, Codable {
        case provisional, signalled, elsewhere
    }

    private var signalled: NetworkAddress?
    private var since = MonotonicTime.zero
    private var origin = Origin.provisional
    private var heard = MonotonicTime.zero
    private var usedElsewhere = false
    /// The source in use.
    private(set) var latched: PacketPath?

    /// Where RTP goes: back to where it comes from, or to the signalled address while nothing came. A caller's voice
    /// never goes elsewhere if the signalled address can be reached: whoever sends to many ports, in the moment between
    /// an answer and the carrier's first packet, would be told what is said.
    var destination: PacketPath? {
        guard let signalled else { return latched }
        guard let latched, origin != .elsewhere || signalled.host.isPrivate else {
            return PacketPath(remote: signalled, local: nil)
        }
        return latched
    }

    /// The peer's description says that its RTP address is `remote`.
    mutating func describe(_ remote: NetworkAddress, now: MonotonicTime) {
        guard signalled != remote else { return }
        signalled = remote
        since = now
        usedElsewhere = false
        guard let latched else { return }
        if latched.remote.host == remote.host {
            origin = .signalled
        } else if remote.host.isPrivate, origin == .provisional {
            origin = .elsewhere
            usedElsewhere = true
        } else {
            self.latched = nil
        }
    }

    /// Whether a packet that came this way is the peer's. Latches where the rules allow it.
    mutating func admits(_ path: PacketPath, now: MonotonicTime) -> Bool {
        if let latched, latched.remote == path.remote {
            heard = now
            return true
        }
        guard let signalled else {
            guard latched == nil else { return false }
            latch(path, .provisional, now)
            return true
        }
        if path.remote.host == signalled.host {
            let free = latched == nil || origin != .signalled || now - heard >= Self.patience
            guard free || path.remote == signalled else { return false }
            latch(path, .signalled, now)
            return true
        }
        guard !usedElsewhere, latched == nil || origin != .signalled else { return false }
        guard signalled.host.isPrivate || now - since >= Self.patience else { return false }
        usedElsewhere = true
        latch(path, .elsewhere, now)
        return true
    }

    private mutating func latch(_ path: PacketPath, _ origin: Origin, _ now: MonotonicTime) {
        latched = path
        self.origin = origin
        heard = now
    }
}
