import COpenSSL
import Synchronization
package import Wire

/// Why a DTLS association ended otherwise than by a close.
package enum DTLSFailure: Equatable, Sendable {
    /// The browser's certificate is not the one whose fingerprint its SDP holds.
    case fingerprintMismatch
    /// The browser offers no SRTP profile that the box has, or none at all.
    case noCommonProfile
    /// The browser gave up; its alert's number (RFC 5246 §7.2).
    case peerAlert(UInt8)
    /// The handshake began but did not end within 30 s.
    case timedOut
    /// OpenSSL found the peer's messages wrong; its reason, which holds nothing personal.
    case protocolViolation(reason: String)
}

/// The DTLS 1.2 server of one browser leg (RFC 6347), whose handshake gives the SRTP keys (RFC 5764).
///
/// ```
///                 ┌───────── fresh SSL ─────────┐  messages that make no sense (after the flight was sent
///                 ▼                             │  they become a doubt), or another ClientHello
///            handshaking ───────────────────────┘
///    certificate │  │ wrong fingerprint, no profile, 30 s, a doubt that nothing dispelled for 1 s
///    and Finished│  ▼
///          │     failed (repeats its alert)
///          ▼
///      connected ──── close(), close_notify ───▶ closed
/// ```
/// Sans-IO: datagrams and `now` come in, datagrams go to `send`, which is called before the method returns and must not
/// call back into the server. Belongs to one thread at a time. `now` must run as fast as real time: OpenSSL keeps its
/// own retransmission clock.
///
/// Feed it every DTLS datagram from a validated address, after `connected` too: a lost final flight is sent again that
/// way.
package final class DTLSServer {
    package enum State: Equatable, Sendable {
        case handshaking
        /// `keys` are there and belong to the expected certificate.
        case connected
        case failed(DTLSFailure)
        /// By `close`, or by the browser's close_notify.
        case closed
    }

    package private(set) var state = State.handshaking
    /// What the handshake exported; nil before `connected`.
    package private(set) var keys: SRTPKeys?
    /// When `advance` is to be called, if nothing comes before: retransmission, or the end of patience.
    package private(set) var nextDeadline: MonotonicTime?

    private let identity: DTLSIdentity
    private let port: DatagramPort
    /// The SSL object; nil before the first datagram, and after the end.
    private var ssl: OpaquePointer?
    /// Records in clear that the server has let through.
    private var numbered: UInt32 = 0
    private var timing = HandshakeTiming()
    /// The ClientHello whose beginning came last.
    private var heard: ClientRandom?
    /// The ClientHello that the current flight answers.
    private var answered: ClientRandom?
    /// The datagram with the alert that ended the handshake, and how often it may go out again.
    private var farewell: (datagram: [UInt8], left: Int) = ([], 0)

    /// - Parameters:
    ///   - fingerprintAlgorithm: of the peer's certificate as its SDP names it: sha-256, sha-384 or sha-512.
    ///   - peerFingerprint: that hash over the certificate's DER form.
    /// - Throws: `.unsupportedFingerprint`.
    package init(
        identity: DTLSIdentity, fingerprintAlgorithm: String, peerFingerprint: [UInt8]
    ) throws(DTLSSetupError) {
        guard let expected = ExpectedFingerprint(algorithm: fingerprintAlgorithm, bytes: peerFingerprint) else {
            throw .unsupportedFingerprint
        }
        self.identity = identity
        port = DatagramPort(expected: expected)
        SecureMediaObjects.dtls.add(1, ordering: .relaxed)
    }

    /// Goes on with an association whose handshake another process finished. What the peer says in DTLS is dropped: the record
    /// layer's keys went with that process.
    /// - Throws: `.unsupportedFingerprint`.
    package init(identity: DTLSIdentity, continuing association: DTLSAssociation) throws(DTLSSetupError) {
        guard
            let expected = ExpectedFingerprint(
                algorithm: association.fingerprintAlgorithm, bytes: association.peerFingerprint)
        else { throw .unsupportedFingerprint }
        self.identity = identity
        port = DatagramPort(expected: expected)
        keys = association.keys
        state = .connected
        SecureMediaObjects.dtls.add(1, ordering: .relaxed)
    }

    /// What a later process needs to go on; nil unless connected.
    package var association: DTLSAssociation? {
        guard state == .connected, let keys else { return nil }
        return DTLSAssociation(
            keys: keys, fingerprintAlgorithm: port.expected.digest.rawValue, peerFingerprint: port.expected.bytes)
    }

    deinit {
        keys?.wipe()
        SSL_free(ssl)
        SecureMediaObjects.dtls.subtract(1, ordering: .relaxed)
    }

    /// A DTLS datagram came (first byte 20 to 63, RFC 7983).
    package func receive(
        _ datagram: UnsafeRawBufferPointer, now: MonotonicTime, send: (UnsafeRawBufferPointer) -> Void
    ) {
        switch state {
        case .handshaking:
            receiveInClear(datagram, now: now)
        case .connected:
            port.offering(datagram) { readToEnd() }
        case .failed:
            repeatFarewell(send)
        case .closed:
            break
        }
        settle(now: now, send)
    }

    /// Time passed: sends the last flight again if that is due, and gives up when patience ends.
    package func advance(to now: MonotonicTime, send: (UnsafeRawBufferPointer) -> Void) {
        guard state == .handshaking, let deadline = nextDeadline, deadline <= now else { return }
        if let doubt = timing.credibleDoubt(at: now) {
            port.write(doubt.farewell)
            fail(doubt.failure)
        } else if timing.isOver(at: now) {
            fail(.timedOut)
        } else if let ssl, timing.retransmissionIsDue(at: now) {
            ERR_clear_error()
            if SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil) < 0 {
                fail(.timedOut)
            }
        }
        settle(now: now, send)
    }

    /// Ends the association; a connected peer is told with close_notify.
    package func close(now: MonotonicTime, send: (UnsafeRawBufferPointer) -> Void) {
        guard state == .handshaking || state == .connected else { return }
        shutDown()
        state = .closed
        settle(now: now, send)
    }
}

// Before the keys, when anybody's packet looks like the browser's.
extension DTLSServer {
    private func receiveInClear(_ datagram: UnsafeRawBufferPointer, now: MonotonicTime) {
        let screen = PlaintextScreen(datagram, awaitsHello: !timing.hasBegun, numbered: &numbered)
        if let alert = screen.alert, timing.hasBegun {
            timing.raiseDoubt(.peerAlert(alert), at: now)
        }
        guard !screen.admitted.isEmpty, prepare(for: screen.clientRandom, now: now) else { return }
        screen.admitted.withUnsafeBytes { records in
            port.offering(records) { shakeHands(now: now) }
        }
        if answered == nil, port.hasOutput {
            answered = heard
        }
    }

    /// Sees to it that there is an SSL object for this datagram. False if the datagram is to be dropped.
    private func prepare(for random: ClientRandom?, now: MonotonicTime) -> Bool {
        if let random {
            if let answered, random != answered {
                // Somebody's hello was answered and now another one comes: the browser's own after a forged one, or
                // a forged one after the browser's. The newer gets its chance, but not so often that it is a flood.
                guard timing.mayRestart(at: now) else { return false }
                discardSSL()
            } else if let heard, random != heard, answered == nil {
                discardSSL()
            }
            heard = random
        }
        if ssl == nil {
            ssl = makeSSL()
        }
        return ssl != nil
    }

    private func discardSSL() {
        SSL_free(ssl)
        ssl = nil
        answered = nil
        port.discardOutput()
        timing.startAgain()
    }

    private func makeSSL() -> OpaquePointer? {
        ERR_clear_error()
        guard let made = SSL_new(identity.context) else { return nil }
        guard let bio = port.makeBIO(identity.datagramMethod) else {
            SSL_free(made)
            return nil
        }
        SSL_set_bio(made, bio, bio)
        SSL_set_ex_data(made, 0, Unmanaged.passUnretained(port).toOpaque())
        // The option alone (set in the context) fails silently, the MTU alone is overwritten by 256.
        SSL_ctrl(made, SSL_CTRL_SET_MTU, HandshakeTiming.mtu, nil)
        DTLS_set_timer_cb(made) { _, previous in HandshakeTiming.interval(after: previous) }
        SSL_set_accept_state(made)
        return made
    }

    private func shakeHands(now: MonotonicTime) {
        guard let ssl else { return }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            finish(ssl)
            return
        }
        let error = SSL_get_error(ssl, result)
        guard error != SSL_ERROR_WANT_READ, error != SSL_ERROR_WANT_WRITE else { return }
        if port.mismatched {
            fail(.fingerprintMismatch)
            return
        }
        // A forged message, or the browser's own fault? Nothing was authenticated so far. A fresh SSL object waits
        // for a new beginning; if none comes, this was the end. Until then the alert is held back: it would make the
        // browser give up because of somebody else's packet.
        let reason = openSSLReason()
        let alert = port.latestOutput
        let hadBegun = timing.hasBegun
        discardSSL()
        if hadBegun {
            timing.raiseDoubt(.protocolViolation(reason: reason), farewell: alert, at: now)
        }
    }

    private func finish(_ ssl: OpaquePointer) {
        guard let exported = SRTPKeys(exportedBy: ssl) else {
            shutDown()
            fail(.noCommonProfile)
            return
        }
        keys = exported
        state = .connected
        readToEnd()
    }
}

// After the keys, and at the end.
extension DTLSServer {
    /// Lets OpenSSL see what is left of the datagram. Application data is dropped: the leg has no data channel.
    private func readToEnd() {
        guard let ssl else { return }
        withUnsafeTemporaryAllocation(byteCount: 2_048, alignment: 8) { scratch in
            var result: Int32 = 1
            while result > 0 {
                ERR_clear_error()
                result = SSL_read(ssl, scratch.baseAddress, Int32(scratch.count))
            }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
                break
            // Since 3.0.19 OpenSSL says so of a record that it dropped (RFC 6347 §4.1.2.7): an error with nothing in its
            // queue. Whatever really ends the connection leaves a reason there.
            case SSL_ERROR_SYSCALL where ERR_peek_error() == 0:
                break
            case SSL_ERROR_ZERO_RETURN:
                shutDown()
                state = .closed
            default:
                fail(.protocolViolation(reason: openSSLReason()))
            }
        }
    }

    private func shutDown() {
        guard let ssl else { return }
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func fail(_ failure: DTLSFailure) {
        state = .failed(failure)
        farewell = (port.latestOutput, HandshakeTiming.farewells)
    }

    /// The alert may have been lost; the peer then sends its last flight again.
    private func repeatFarewell(_ send: (UnsafeRawBufferPointer) -> Void) {
        guard farewell.left > 0, !farewell.datagram.isEmpty else { return }
        farewell.left -= 1
        farewell.datagram.withUnsafeBytes(send)
    }

    /// Sends what waits, and brings the deadline and the SSL object in line with the state.
    private func settle(now: MonotonicTime, _ send: (UnsafeRawBufferPointer) -> Void) {
        if port.hasOutput {
            timing.begin(at: now)
            port.flush(send)
        }
        if state == .handshaking {
            timing.retransmission = remainingTime().map { now + $0 }
            nextDeadline = timing.nextDeadline
            return
        }
        nextDeadline = nil
        if state != .connected {
            SSL_free(ssl)
            ssl = nil
            keys?.wipe()
            keys = nil
        }
    }

    /// Until OpenSSL wants to send its flight again; nil when no flight waits for a reply.
    private func remainingTime() -> Duration? {
        guard let ssl else { return nil }
        var left = timeval()
        guard SSL_ctrl(ssl, DTLS_CTRL_GET_TIMEOUT, 0, &left) == 1 else { return nil }
        // OpenSSL measures by the wall clock; when that jumps back, no wait becomes longer than the longest.
        return min(.seconds(left.tv_sec) + .microseconds(left.tv_usec), .seconds(3))
    }
}

extension SRTPKeys {
    /// What a finished handshake exports (RFC 5764 §4.2). Nil without a common profile.
    fileprivate init?(exportedBy ssl: OpaquePointer) {
        guard let selected = SSL_get_selected_srtp_profile(ssl),
            let number = UInt16(exactly: selected.pointee.id), let profile = SRTPProfile(rawValue: number)
        else { return nil }
        var material = [UInt8](repeating: 0, count: 2 * (profile.keyLength + profile.saltLength))
        let label = Self.exporterLabel
        guard SSL_export_keying_material(ssl, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1 else {
            return nil
        }
        self.init(profile: profile, exported: material)
        OPENSSL_cleanse(&material, material.count)
    }
}
