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
    /// Addresses that one leg may have validated: host, reflexive and relayed ones of two networks.
    static let maximumAddresses = 6

    let usernameFragment: String
    private let password: Redacted<String>
    private let remoteUsernameFragment: String
    var agent: ICELiteAgent
    let dtls: DTLSServer
    private(set) var srtp: SRTPSession?
    private(set) var selected: PacketPath?
    private(set) var addresses: [NetworkAddress] = []
    private(set) var lastCheck: MonotonicTime
    private(set) var wasChecked = false
    let opened: MonotonicTime
    /// Set once the loss was reported; a new check clears it.
    var lostConsent = false
    var hasFailed = false

    init(_ description: BrowserLegDescription, identity: DTLSIdentity, now: MonotonicTime) throws(DTLSSetupError) {
        usernameFragment = description.local.usernameFragment
        password = description.local.password
        remoteUsernameFragment = description.remote.usernameFragment
        agent = ICELiteAgent(
            usernameFragment: description.local.usernameFragment, password: description.local.password.revealed,
            remoteUsernameFragment: description.remote.usernameFragment)
        dtls = try DTLSServer(
            identity: identity, fingerprintAlgorithm: description.remoteFingerprint.algorithm,
            peerFingerprint: description.remoteFingerprint.bytes)
        opened = now
        lastCheck = now
        addresses.reserveCapacity(Self.maximumAddresses + 1)
    }

    /// Goes on with a leg of another process.
    /// - Parameter ssrc: under which that one may have sent: never again with these keys.
    /// - Throws: `.unsupportedFingerprint`, or `.library` for keys that do not serve.
    init(
        continuing state: LegState.Browser, spent ssrc: UInt32, identity: DTLSIdentity
    ) throws(DTLSSetupError) {
        usernameFragment = state.usernameFragment
        password = state.password
        remoteUsernameFragment = state.remoteUsernameFragment
        agent = ICELiteAgent(
            usernameFragment: state.usernameFragment, password: state.password.revealed,
            remoteUsernameFragment: state.remoteUsernameFragment)
        dtls = try DTLSServer(identity: identity, continuing: state.association)
        var progress = state.progress
        // Nothing may have been sent before the state was noted, and something after it.
        progress.spent.append(ssrc)
        do throws(SRTPError) {
            srtp = try SRTPSession(keys: state.association.keys, continuing: progress)
        } catch {
            throw .library(reason: "keys refused")
        }
        selected = state.selected
        addresses = Array(state.addresses.prefix(Self.maximumAddresses))
        lastCheck = state.lastCheck
        wasChecked = state.wasChecked
        opened = state.opened
        lostConsent = state.lostConsent
    }

    /// What another process goes on with; nil while there are no keys, or after a failure.
    var state: LegState.Browser? {
        guard !hasFailed, let association = dtls.association, let srtp else { return nil }
        return LegState.Browser(
            usernameFragment: usernameFragment, password: password, remoteUsernameFragment: remoteUsernameFragment,
            association: association, progress: srtp.progress, selected: selected, addresses: addresses,
            lastCheck: lastCheck, wasChecked: wasChecked, opened: opened, lostConsent: lostConsent)
    }

    /// A check came this way and was answered with success.
    /// - Returns: whether the address is new to the leg, and one that is forgotten for it.
    func checked(
        _ path: PacketPath, nominated: Bool, now: MonotonicTime
    ) -> (isNew: Bool, forgotten: NetworkAddress?) {
        lastCheck = now
        wasChecked = true
        lostConsent = false
        if nominated || selected == nil {
            selected = path
        }
        guard !addresses.contains(path.remote) else { return (false, nil) }
        addresses.append(path.remote)
        guard addresses.count > Self.maximumAddresses,
            let oldest = addresses.firstIndex(where: { $0 != selected?.remote && $0 != path.remote })
        else { return (true, nil) }
        return (true, addresses.remove(at: oldest))
    }

    /// Another leg validated this address: a browser's socket serves one leg at a time.
    func forget(_ address: NetworkAddress) {
        addresses.removeAll { $0 == address }
        if selected?.remote == address {
            selected = nil
        }
    }

    /// Makes the session of the keys that the handshake gave.
    /// - Returns: false if there are none or they do not serve.
    func secure() -> Bool {
        guard srtp == nil, let keys = dtls.keys, let session = try? SRTPSession(keys: keys) else { return srtp != nil }
        srtp = session
        return true
    }

    var isReady: Bool { srtp != nil && selected != nil }
}

extension DTLSFailure {
    /// What the reader of the page or the journal is told.
    var problem: Problem {
        switch self {
        case .fingerprintMismatch:
            Problem(
                code: "media.fingerprint-mismatch",
                sentence: "The browser's key is not the one that its page announced; somebody may be in between.",
                remedy: "Reload the page and try again.")
        case .noCommonProfile:
            Problem(
                code: "media.no-common-encryption", sentence: "The browser offers no encryption that the box has.",
                remedy: "Use a current version of Firefox, Chrome, Edge or Safari.")
        case .peerAlert(let number):
            Problem(
                code: "media.handshake-refused",
                sentence: "The browser refused the encrypted connection (alert \(number)).",
                remedy: "Reload the page and try again.")
        case .timedOut:
            Problem(
                code: "media.handshake-timed-out", sentence: "The encrypted connection to the browser did not come up.",
                remedy: "Check that nothing between the browser and the box drops larger UDP datagrams.")
        case .protocolViolation(let reason):
            Problem(
                code: "media.handshake-failed",
                sentence: "The encrypted connection to the browser failed (\(reason)).",
                remedy: "Reload the page and try again.")
        }
    }
}
