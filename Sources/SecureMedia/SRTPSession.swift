import CSRTP
import Glibc
import Synchronization
import Wire

/// Which end of the DTLS association this process is. The box is always the server; the tests play the client.
package enum SRTPSide: Sendable {
    case server
    case client
}

/// Why a packet was not protected or unprotected. After an error the packet's bytes are worthless.
package enum SRTPError: Error, Equatable, Sendable {
    /// Shorter than the fixed header with the tag, or the header's own lengths do not fit.
    case malformed
    /// Forged, damaged, or protected with other keys.
    case authenticationFailed
    /// This packet was already seen, or it is older than the replay window (128 packets).
    /// When protecting: a sequence number was used twice, which GCM must never do.
    case replayed
    /// The SSRC was sent under before the session was restored: nobody knows how far (`SRTPProgress`).
    case spentSource
    /// The buffer does not hold the length given plus `overhead`.
    case noRoom
    /// More than `SRTPSession.maximumSources` SSRCs in one direction.
    case tooManySources
    /// The master key has protected as many packets as it may (RFC 3711 §9.2).
    case keyExhausted
    /// The keys do not have the profile's length.
    case wrongKeyLength
    /// Any other status of libsrtp, by its number.
    case library(Int32)
}

/// SRTP and SRTCP for one leg, both directions, over the caller's buffers (RFC 3711, RFC 7714).
///
/// Nothing is allocated per packet; libsrtp allocates once for each new SSRC. Belongs to one thread at a time.
package final class SRTPSession {
    /// A peer that holds the keys could invent an SSRC per packet, each of which costs memory and a longer search.
    /// One more than this is refused instead of the oldest forgotten: forgetting would permit replays.
    package static let maximumSources = 32

    package let profile: SRTPProfile
    private let outbound: srtp_t
    let inbound: srtp_t
    private let sent: SourceList
    let heard: SourceList
    /// Never to be sent under again.
    private let spent: Set<UInt32>

    /// - Parameter progress: of the session with these keys that this one continues; nil for new keys.
    /// - Throws: `.wrongKeyLength`, `.tooManySources` for a progress of more than a session has, or `.library` when libsrtp
    ///   refuses or has no memory.
    package init(
        keys: SRTPKeys, side: SRTPSide = .server, continuing progress: SRTPProgress? = nil
    ) throws(SRTPError) {
        SRTPLibrary.initialize()
        let (own, other) = side == .server ? (keys.server, keys.client) : (keys.client, keys.server)
        let outbound = try Self.create(own.revealed, keys.profile, ssrc_any_outbound)
        do throws(SRTPError) {
            inbound = try Self.create(other.revealed, keys.profile, ssrc_any_inbound)
        } catch {
            srtp_dealloc(outbound)
            throw error
        }
        self.outbound = outbound
        profile = keys.profile
        sent = SourceList(limit: Self.maximumSources)
        heard = SourceList(limit: Self.maximumSources)
        spent = Set(progress?.spent ?? [])
        SecureMediaObjects.srtp.add(1, ordering: .relaxed)
        for source in progress?.heard ?? [] { try resume(source, other.revealed) }
    }

    /// How far the session has come. Allocates: for a checkpoint, not for the path of a packet.
    package var progress: SRTPProgress {
        SRTPProgress(
            spent: (spent.union(sent.all.map(\.ssrc))).sorted(),
            heard: heard.all.map { source in
                SRTPProgress.Heard(
                    ssrc: source.ssrc, index: source.index ?? source.indexBefore,
                    controlIndex: source.controlIndex ?? source.controlIndexBefore)
            })
    }

    deinit {
        srtp_dealloc(outbound)
        srtp_dealloc(inbound)
        SecureMediaObjects.srtp.subtract(1, ordering: .relaxed)
    }

    /// Protects the RTP packet in the first `length` bytes in place.
    /// - Returns: the new length, larger by `profile.overhead`, for which the buffer must have room.
    package func protectRTP(_ packet: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard length >= 12, packet.count >= length else { throw .malformed }
        guard packet.count - length >= profile.overhead else { throw .noRoom }
        return try protect(srtp_protect, source: Self.word(packet, at: 8), packet, length)
    }

    /// Verifies and decrypts the SRTP packet in the first `length` bytes in place.
    /// - Returns: the length of the RTP packet.
    package func unprotectRTP(_ packet: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard packet.count >= length, length >= 12 + profile.overhead else { throw .malformed }
        let ssrc = Self.word(packet, at: 8)
        let number = UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        let known = heard.place(of: ssrc)
        var index = PacketIndex(first: number)
        if let known {
            let source = heard[known]
            if let newest = source.index ?? source.indexBefore { index = newest.estimate(number) }
            if let before = source.indexBefore, index <= before { throw .replayed }
        } else if !heard.hasRoom {
            throw .tooManySources
        }
        let count = try apply(srtp_unprotect, inbound, packet, length)
        guard let place = heard.remember(ssrc) else { return count }
        heard[place].index = max(heard[place].index ?? index, index)
        return count
    }

    /// Protects the compound RTCP packet in the first `length` bytes in place.
    /// - Returns: the new length, larger by `profile.controlOverhead`, for which the buffer must have room.
    package func protectRTCP(_ packet: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard length >= 8, packet.count >= length else { throw .malformed }
        guard packet.count - length >= profile.controlOverhead else { throw .noRoom }
        return try protect(srtp_protect_rtcp, source: Self.word(packet, at: 4), packet, length)
    }

    /// Verifies and decrypts the SRTCP packet in the first `length` bytes in place.
    /// - Returns: the length of the RTCP packet.
    package func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard packet.count >= length, length >= 8 + profile.controlOverhead else { throw .malformed }
        let ssrc = Self.word(packet, at: 4)
        // Below the flag that says whether the packet is encrypted.
        let index = Self.word(packet, at: length - profile.controlIndexFromEnd) & 0x7fff_ffff
        if let known = heard.place(of: ssrc) {
            if let before = heard[known].controlIndexBefore, index <= before { throw .replayed }
        } else if !heard.hasRoom {
            throw .tooManySources
        }
        let count = try apply(srtp_unprotect_rtcp, inbound, packet, length)
        guard let place = heard.remember(ssrc) else { return count }
        heard[place].controlIndex = max(heard[place].controlIndex ?? index, index)
        return count
    }

    private typealias Transform = (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t

    @inline(__always)
    private func protect(
        _ transform: Transform, source: UInt32, _ packet: UnsafeMutableRawBufferPointer, _ length: Int
    ) throws(SRTPError) -> Int {
        if sent.place(of: source) == nil {
            guard !spent.contains(source) else { throw .spentSource }
            guard sent.hasRoom else { throw .tooManySources }
        }
        let count = try apply(transform, outbound, packet, length)
        _ = sent.remember(source)
        return count
    }

    @inline(__always)
    private func apply(
        _ transform: Transform, _ session: srtp_t, _ packet: UnsafeMutableRawBufferPointer, _ length: Int
    ) throws(SRTPError) -> Int {
        guard var count = Int32(exactly: length) else { throw .malformed }
        let status = transform(session, packet.baseAddress, &count)
        guard status == srtp_err_status_ok else { throw SRTPError(status) }
        return Int(count)
    }

    @inline(__always)
    private static func word(_ packet: UnsafeMutableRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// One libsrtp session whose policy is the template for every SSRC of one direction.
    static func create(
        _ key: [UInt8], _ profile: SRTPProfile, _ direction: srtp_ssrc_type_t
    ) throws(SRTPError) -> srtp_t {
        var session: srtp_t?
        try withPolicy(key, profile, direction) { policy in srtp_create(&session, policy) }
        guard let session else { throw .library(0) }
        return session
    }

    /// Hands out a policy that holds the key, which is overwritten afterwards.
    static func withPolicy(
        _ key: [UInt8], _ profile: SRTPProfile, _ direction: srtp_ssrc_type_t, ssrc: UInt32 = 0,
        _ body: (UnsafePointer<srtp_policy_t>) -> srtp_err_status_t
    ) throws(SRTPError) {
        guard key.count == profile.keyLength + profile.saltLength else { throw .wrongKeyLength }
        var policy = srtp_policy_t()
        switch profile {
        case .aeadAES128GCM:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
        case .aesCM128HMACSHA1:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        }
        policy.ssrc.type = direction
        policy.ssrc.value = ssrc
        policy.window_size = 128
        policy.allow_repeat_tx = 0
        var secret = key
        let status = secret.withUnsafeMutableBufferPointer { bytes in
            policy.key = bytes.baseAddress
            let status = body(&policy)
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
            return status
        }
        guard status == srtp_err_status_ok else { throw SRTPError(status) }
    }
}

extension SRTPError {
    init(_ status: srtp_err_status_t) {
        switch status {
        case srtp_err_status_auth_fail: self = .authenticationFailed
        case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old,
            srtp_err_status_pkt_idx_adv:
            self = .replayed
        case srtp_err_status_parse_err, srtp_err_status_bad_param, srtp_err_status_cipher_fail: self = .malformed
        case srtp_err_status_key_expired: self = .keyExhausted
        default: self = .library(Int32(bitPattern: status.rawValue))
        }
    }
}
