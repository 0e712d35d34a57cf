import ICE
import SDP
import SecureMedia
import Wire

/// The browser's side of a leg: ICE-lite, DTLS server, SRTP, all over the one port.
///
/// Whoever passes the integrity check may speak DTLS and SRTP from then on; where the leg's own packets go is
/// switched by USE-CANDIDATE (RFC 8445 §8.1.1), and until then it is the first address that passed, because
/// Chromium starts DTLS before it nominates.
final class BrowserLeg {
    /// A browser checks each 5 s or oftener (RFC 7675 §5.1).
    static let consentPatience = Duration.seconds(15)
    /// Addresses that one leg may have validated: host, reflexive and relayed ones of two networks.
    static let maximumAddresses = 6

    var agent: ICELiteAgent
    let dtls: DTLSServer
    private(set) var srtp: SRTPSession?
    private(set) var selected: PacketPath?
    private(set) var isNominated = false
    private(set) var addresses: [NetworkAddress] = []
    private(set) var lastCheck: MonotonicTime
    private(set) var wasChecked = false
    var lostConsent = false
    var hasFailed = false

    init(agent: ICELiteAgent, dtls: DTLSServer, now: MonotonicTime) {
        self.agent = agent
        self.dtls = dtls
        lastCheck = now
        addresses.reserveCapacity(Self.maximumAddresses + 1)
    }

    /// A check came this way and was answered.
    /// - Returns: an address that is forgotten for the new one.
    func checked(_ path: PacketPath, nominated: Bool, now: MonotonicTime) -> NetworkAddress? {
        lastCheck = now
        wasChecked = true
        lostConsent = false
        if nominated || selected == nil {
            selected = path
            isNominated = isNominated || nominated
        }
        guard !addresses.contains(path.remote) else { return nil }
        addresses.append(path.remote)
        guard addresses.count > Self.maximumAddresses,
            let oldest = addresses.firstIndex(where: { $0 != selected?.remote && $0 != path.remote })
        else { return nil }
        return addresses.remove(at: oldest)
    }

    /// Another leg validated this address: a browser's socket serves one leg at a time.
    func forget(_ address: NetworkAddress) {
        addresses.removeAll { $0 == address }
        if selected?.remote == address {
            selected = nil
        }
    }

    /// Takes the keys into use.
    func secure(with session: SRTPSession) {
        srtp = session
    }

    var isReady: Bool { srtp != nil && selected != nil }
}
