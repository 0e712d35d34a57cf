import Glibc
package import Logging
package import SDP
import SecureMedia
import Synchronization
package import Wire

/// The way into the media room: legs are opened, bridged and closed here, and all of it happens on the
/// media loop's own thread, in the order in which it was asked for.
///
/// The methods return at once. What becomes of them is told by `events`.
package final class MediaEngine: Sendable {
    /// Of the certificate that every DTLS handshake of this process shows.
    package let fingerprint: Fingerprint
    /// The port that is open, also when port 0 was asked for.
    package let browserPort: UInt16
    /// For one reader. Ends after `stop`.
    package let events: AsyncStream<MediaEvent>

    /// Events that wait for a slow reader; older ones are dropped then.
    private static let waitingEvents = 16_384

    private let trunkHosts: [NetworkAddress.Host]
    private let trunkPorts: Mutex<PortRange>
    private let mailbox: Mailbox
    private let thread: Mutex<LoopThread?>

    /// Opens the browsers' port, makes the DTLS identity and starts the media thread.
    /// - Throws: `media.port-in-use`, `media.address-unknown`, `media.no-descriptors`, `media.no-identity`, …
    package static func start(_ configuration: MediaConfiguration, logger: Logger) throws(Problem) -> MediaEngine {
        try start(configuration, patience: Patience(), logger: logger)
    }

    /// As above, with other waiting times.
    static func start(
        _ configuration: MediaConfiguration, patience: Patience, logger: Logger
    ) throws(Problem) -> MediaEngine {
        SRTPLibrary.initialize()
        let socket: DatagramSocket
        do throws(SocketError) {
            socket = try DatagramSocket(configuration.browserListen, receiveBufferBytes: 4 * 1024 * 1024)
        } catch {
            throw error.problem
        }
        let identity: DTLSIdentity
        do throws(DTLSSetupError) {
            identity = try DTLSIdentity()
        } catch {
            throw Problem(code: "media.no-identity", sentence: "The key for encrypted sound could not be made.")
        }
        return try MediaEngine(configuration, socket, identity, patience, logger)
    }

    private init(
        _ configuration: MediaConfiguration, _ socket: DatagramSocket, _ identity: DTLSIdentity,
        _ patience: Patience, _ logger: Logger
    ) throws(Problem) {
        guard
            let fingerprint = Fingerprint(algorithm: identity.fingerprintAlgorithm, bytes: identity.fingerprint)
        else { throw Problem(code: "media.no-identity", sentence: "The key for encrypted sound could not be made.") }
        self.fingerprint = fingerprint
        browserPort = socket.local.port
        trunkHosts = configuration.trunkListen
        trunkPorts = Mutex(PortRange(configuration.trunkPorts))
        let (events, continuation) = AsyncStream.makeStream(
            of: MediaEvent.self, bufferingPolicy: .bufferingNewest(Self.waitingEvents))
        self.events = events
        mailbox = try Mailbox()
        let loop = try MediaLoop(
            mailbox: mailbox, browserSocket: socket, identity: identity, events: continuation, patience: patience,
            logger: logger)
        thread = Mutex(try LoopThread.start(loop))
    }

    deinit {
        stop()
    }

    /// Lets the media thread be woken once for all that is asked for before `later` runs what it was given: at the end of a
    /// turn of the caller's loop.
    package func wakes(by later: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        mailbox.wakes(by: later)
    }

    /// Opens a leg to a browser, which is told the local credentials, the fingerprint, `ssrc` and `cname` in the
    /// box's description.
    package func openBrowserLeg(
        _ leg: LegIdentifier, local: ICECredentials, remote: ICECredentials, remoteFingerprint: Fingerprint,
        audio: BrowserAudio, ssrc: UInt32, cname: String
    ) {
        mailbox.post(
            .openBrowserLeg(
                BrowserLegDescription(
                    identifier: leg, local: local, remote: remote, remoteFingerprint: remoteFingerprint, audio: audio,
                    ssrc: ssrc, cname: cname)))
    }

    /// From the next call on the provider's side takes its ports from this range; running calls keep theirs.
    package func setTrunkPorts(_ ports: ClosedRange<UInt16>) {
        trunkPorts.withLock { $0 = PortRange(ports) }
    }

    /// Opens a leg to the provider.
    /// - Parameter family: of the addresses that its sound comes from and goes to.
    /// - Returns: the even port of RTP; RTCP has the next one.
    /// - Throws: `media.no-free-port` and the reasons why a socket cannot be opened.
    package func openTrunkLeg(_ leg: LegIdentifier, over family: AddressFamily) throws(Problem) -> UInt16 {
        let (rtp, rtcp) = try trunkSockets(family)
        let port = rtp.local.port
        guard mailbox.post(.openTrunkLeg(leg, rtp: rtp, rtcp: rtcp)) else { throw Self.isStopped }
        return port
    }

    /// Gives a leg to the provider sockets of another family in the place of its own: the call is tried another way. What it
    /// is bridged to stays.
    /// - Returns: the even port of RTP.
    /// - Throws: as ``openTrunkLeg(_:over:)``; the leg keeps its sockets then.
    package func moveTrunkLeg(_ leg: LegIdentifier, to family: AddressFamily) throws(Problem) -> UInt16 {
        let (rtp, rtcp) = try trunkSockets(family)
        let port = rtp.local.port
        guard mailbox.post(.moveTrunkLeg(leg, rtp: rtp, rtcp: rtcp)) else { throw Self.isStopped }
        return port
    }

    private func trunkSockets(_ family: AddressFamily) throws(Problem) -> (rtp: DatagramSocket, rtcp: DatagramSocket) {
        guard let host = trunkHosts.first(where: { $0.family == family }) else {
            throw SocketError(address: NetworkAddress(host: .ipv4(0), port: 0), errno: EAFNOSUPPORT).problem
        }
        var generator = SystemRandomNumberGenerator()
        return try trunkPorts.withLock { $0 }.open(on: host, using: &generator)
    }

    private static let isStopped = Problem(code: "media.stopped", sentence: "The box is shutting down.")

    /// Tells what was agreed on with the provider, from its answer or an early one (183), again after each change.
    /// Before it, PCMU and PCMA under their static payload types are heard from the first source.
    package func setTrunkAudio(_ leg: LegIdentifier, _ audio: TrunkAudio) {
        mailbox.post(.setTrunkAudio(leg, audio))
    }

    /// Bridges two legs, or moves the gates of their bridge: before the answer the caller's voice is kept from the
    /// callee while early media reaches the caller.
    package func connect(_ a: LegIdentifier, _ b: LegIdentifier, aToB: Bool, bToA: Bool) {
        mailbox.post(.connect(a, b, aToB: aToB, bToA: bToA))
    }

    /// Lets the box itself be the other side.
    package func startService(_ leg: LegIdentifier, _ service: MediaService) {
        mailbox.post(.startService(leg, service))
    }

    /// Whether keys that are pressed on the other side of the bridge are passed on to this leg at all. Where they travel
    /// by signalling they must not come twice.
    package func setDigitsInSound(_ leg: LegIdentifier, _ areWanted: Bool) {
        mailbox.post(.setDigitsInSound(leg, areWanted))
    }

    /// Presses keys towards a leg (RFC 4733, or as tones where the peer takes no telephone-events).
    /// - Parameter digits: of `0123456789*#ABCD`; anything else is left out.
    package func sendDigits(_ leg: LegIdentifier, _ digits: String) {
        mailbox.post(.sendDigits(leg, digits))
    }

    /// A key of one leg's other end that came by signalling goes on with the sound of the leg that it is bridged to, unless the
    /// sound of the first brings the same key on its own.
    package func relayDigit(_ digit: Character, from source: LegIdentifier, to target: LegIdentifier) {
        mailbox.post(.relayDigit(digit, from: source, to: target))
    }

    /// Says goodbye (RTCP BYE, close_notify), closes the leg's sockets and frees everything of it.
    package func close(_ leg: LegIdentifier) {
        mailbox.post(.close(leg))
    }

    /// The loop's figures, after all that was asked for before.
    package func snapshot() async -> MediaSnapshot {
        await withCheckedContinuation { continuation in
            if !mailbox.post(.snapshot(continuation), isUrgent: true) {
                continuation.resume(returning: MediaSnapshot())
            }
        }
    }

    /// Every leg that another process could go on with, as it is now. Holds keys.
    package func checkpoint() async -> [LegState] {
        await withCheckedContinuation { continuation in
            if !mailbox.post(.checkpoint(continuation), isUrgent: true) { continuation.resume(returning: []) }
        }
    }

    /// Goes on with legs of another process; one that cannot go on is told of as failed.
    func resume(_ legs: [ResumedLeg]) {
        mailbox.post(.resume(legs), isUrgent: true)
    }

    /// Asks whether every media loop still turns.
    /// - Parameter turned: called once all of them took a command out of their mailboxes, also while they end; on a
    ///   loop's own thread, so it must return at once.
    package func probe(_ turned: @escaping @Sendable () -> Void) {
        if !mailbox.post(.probe(turned), isUrgent: true) { turned() }
    }

    /// Closes every leg and joins the thread; the second time it does nothing.
    package func stop() {
        mailbox.post(.stop, isUrgent: true)
        let ending = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        ending?.join()
    }
}
