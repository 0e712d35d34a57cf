package import Wire

/// Why a session description cannot be read, or cannot be agreed to.
package enum SDPError: Error, Equatable, Sendable {
    // Reading (RFC 8866 §5)
    /// More than 64 KiB.
    case tooLong
    case tooManyLines
    case tooManyMedia
    /// What this line says is malformed; the number counts from 1.
    case line(Int, Fault)
    /// The lines that every description begins with, `v=` and `o=`, are not there.
    case incomplete

    // Agreeing (RFC 3264, 8829)
    /// No `m=audio` that is switched on: it is only video, fax (T.38) or data, or its port is 0.
    case noAudio
    /// The transport is none that fits: encrypted where plain RTP was expected, or the other way round.
    case transport
    /// No codec that both sides have.
    case noSharedCodec
    /// No numeric address to send to.
    case noAddress
    /// `a=ice-ufrag`, `a=ice-pwd` are missing or malformed.
    case noICECredentials
    /// No `a=fingerprint` with SHA-256, 384 or 512.
    case noFingerprint
    /// The page insists on being the DTLS server (`a=setup:passive`), or says something unknown.
    case setup
    /// No `a=rtcp-mux`: the box has one port for all.
    case notMultiplexed
    /// The answer does not fit the offer: other media at its place, or fewer of them.
    case mismatch

    package enum Fault: Error, Equatable, Sendable {
        case tooLong
        /// Not `x=…`.
        case notALine
        /// A NUL, or a CR inside the line.
        case forbiddenByte
        case version
        case origin
        case connection
        case media
    }
}

extension SDPError {
    /// The same in words for people, without anything that the description said.
    package var problem: Problem {
        switch self {
        case .tooLong, .tooManyLines, .tooManyMedia:
            Problem(code: "sdp.too-long", sentence: "The other side's session description is too long.")
        case .line(let number, _):
            Problem(
                code: "sdp.malformed",
                sentence: "Line \(number) of the other side's session description cannot be understood.")
        case .incomplete:
            Problem(code: "sdp.malformed", sentence: "The other side's session description is incomplete.")
        case .noAudio:
            Problem(code: "sdp.no-audio", sentence: "The other side offers no voice, only other media such as fax.")
        case .transport:
            Problem(
                code: "sdp.transport", sentence: "The two sides do not agree on whether the voice is encrypted.",
                remedy: "Check the encryption setting of the provider account.")
        case .noSharedCodec:
            Problem(
                code: "sdp.no-shared-codec", sentence: "The two sides have no voice codec in common.",
                remedy: "Allow G.711 (PCMU, PCMA) on both sides.")
        case .noAddress:
            Problem(code: "sdp.no-address", sentence: "The other side does not say where its audio is to be sent.")
        case .noICECredentials, .noFingerprint, .setup, .notMultiplexed:
            Problem(
                code: "sdp.not-webrtc", sentence: "The page's session description is not that of a WebRTC browser.",
                remedy: "Use a current version of Firefox, Chromium or Safari.")
        case .mismatch:
            Problem(code: "sdp.mismatch", sentence: "The other side's answer does not fit the offer.")
        }
    }
}
