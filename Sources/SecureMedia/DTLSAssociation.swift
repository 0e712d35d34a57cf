/// What a finished DTLS handshake leaves behind that another process needs: the SRTP keys, and whose they are.
///
/// OpenSSL's own state cannot be encoded, and is not missed: after the handshake DTLS carries nothing but a lost final flight and
/// close_notify. Consent (RFC 7675) and signalling tell of an end as well. A handshake that has not finished ends with its
/// process: the certificate is the process's own, so the page must offer again.
package struct DTLSAssociation: Sendable, Codable, Equatable {
    package var keys: SRTPKeys
    /// As the peer's SDP named it: sha-256, sha-384 or sha-512.
    package var fingerprintAlgorithm: String
    /// Of the certificate that the peer proved to have.
    package var peerFingerprint: [UInt8]
}
