import CSRTP

/// libsrtp as a whole.
package enum SRTPLibrary {
    /// Starts libsrtp and its crypto library once per process. Call it at start: the first session ever made costs
    /// 1.3 to 3.6 ms (the crypto library starts with it), which no call should pay on the media thread.
    package static func initialize() {
        _ = once
    }

    private static let once: Void = {
        guard srtp_init() == srtp_err_status_ok else { return }
        for profile in SRTPProfile.allCases {
            let key = [UInt8](repeating: 0x5a, count: profile.keyLength + profile.saltLength)
            if let session = try? SRTPSession.create(key, profile, ssrc_any_outbound) {
                warm(session, profile)
                srtp_dealloc(session)
            }
        }
    }()

    /// One packet through the cipher: some of the start-up happens with the first use only.
    private static func warm(_ session: srtp_t, _ profile: SRTPProfile) {
        var packet: [UInt8] = [0x80, 0] + [UInt8](repeating: 0, count: 10 + 160 + profile.overhead)
        var length: Int32 = 12 + 160
        packet.withUnsafeMutableBytes { bytes in
            _ = srtp_protect(session, bytes.baseAddress, &length)
        }
    }
}
