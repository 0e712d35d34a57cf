import CSRTP

extension SRTPSession {
    /// Brings libsrtp's stream of one source to where it was in the session that this one continues.
    ///
    /// libsrtp can be told a rollover counter, but no sequence number; without that it would take the first packet after a wrap
    /// for one before it. So it is shown a packet of the newest index, made here with the peer's own key and overwritten at once:
    /// that nonce was used before, for the peer's packet, and this ciphertext is seen by nobody.
    func resume(_ source: SRTPProgress.Heard, _ key: [UInt8]) throws(SRTPError) {
        guard heard.place(of: source.ssrc) == nil else { throw .malformed }
        guard let place = heard.remember(source.ssrc) else { throw .tooManySources }
        heard[place].indexBefore = source.index
        heard[place].controlIndexBefore = source.controlIndex
        guard let index = source.index else { return }
        let (inbound, profile) = (inbound, profile)
        try Self.withPolicy(key, profile, ssrc_specific, ssrc: source.ssrc) { policy in
            srtp_add_stream(inbound, policy)
        }
        var maker: srtp_t?
        try Self.withPolicy(key, profile, ssrc_specific, ssrc: source.ssrc) { policy in srtp_create(&maker, policy) }
        defer { srtp_dealloc(maker) }
        for session in [inbound, maker] {
            let status = srtp_set_stream_roc(session, source.ssrc, index.rolloverCounter)
            guard status == srtp_err_status_ok else { throw SRTPError(status) }
        }
        let status = withUnsafeTemporaryAllocation(byteCount: 12 + profile.overhead, alignment: 8) { packet in
            packet.initializeMemory(as: UInt8.self, repeating: 0)
            packet[0] = 0x80
            packet.storeBytes(of: index.sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
            packet.storeBytes(of: source.ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
            var length: Int32 = 12
            var status = srtp_protect(maker, packet.baseAddress, &length)
            if status == srtp_err_status_ok { status = srtp_unprotect(inbound, packet.baseAddress, &length) }
            packet.initializeMemory(as: UInt8.self, repeating: 0)
            return status
        }
        guard status == srtp_err_status_ok else { throw SRTPError(status) }
    }
}

extension SRTPSession {
    /// What libsrtp itself holds for a source: its rollover counter. For tests, which compare.
    func libraryRolloverCounter(_ ssrc: UInt32) -> UInt32? {
        var counter: UInt32 = 0
        return srtp_get_stream_roc(inbound, ssrc, &counter) == srtp_err_status_ok ? counter : nil
    }
}
