import Wire

/// What a page's offer says, checked: one voice section with ICE, DTLS and RTCP multiplexing (RFC 8829 §5).
package struct BrowserOffer: Equatable, Sendable {
    /// `a=mid` of the voice section; nil from a very old browser.
    package let mid: String?
    package let remote: ICECredentials
    package let fingerprint: Fingerprint
    /// In the page's order; at least one.
    package let codecs: [AudioFormat]
    /// Payload types of telephone-event by clock rate in Hz.
    package let telephoneEvents: [UInt32: UInt8]
    /// As the page says it: `recvonly` for one without a microphone.
    package let direction: MediaDirection

    /// The description itself and which of its sections is the voice: the answer has to mirror all of them.
    let description: SessionDescription
    let index: Int

    /// RFC 8829 §5.1.2: any of these is to be taken, whatever it literally says.
    private static let transports: Set = [
        "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF",
    ]

    /// - Throws: `.noAudio`, `.transport`, `.notMultiplexed`, `.setup`, `.noICECredentials`, `.noFingerprint` or
    ///   `.noSharedCodec`.
    package init(_ sdp: SessionDescription) throws(SDPError) {
        // A bundled section has port 0 if it must not be used outside of its bundle (RFC 9143 §6).
        let voices = sdp.media.indices.filter { index in
            sdp.media[index].kind == "audio" && (sdp.media[index].port != 0 || sdp.media[index].has("bundle-only"))
        }
        guard !voices.isEmpty else { throw .noAudio }
        guard let index = voices.first(where: { Self.transports.contains(sdp.media[$0].transport) }) else {
            throw .transport
        }
        let voice = sdp.media[index]
        description = sdp
        self.index = index
        mid = voice.value(of: "mid")
        let carriers = sdp.transportCarriers(of: index)
        func said(_ name: String) -> String? {
            carriers.lazy.compactMap { $0.value(of: name) }.first
        }
        guard carriers.contains(where: { $0.has("rtcp-mux") }) else {
            throw .notMultiplexed
        }
        guard ["actpass", "active", nil].contains(said("setup")) else { throw .setup }
        guard let fragment = said("ice-ufrag"), let password = said("ice-pwd"),
            let remote = ICECredentials(usernameFragment: fragment, password: password)
        else { throw .noICECredentials }
        self.remote = remote
        guard
            let fingerprint = carriers.lazy.compactMap({ carrier in
                carrier.values(of: "fingerprint").lazy.compactMap(Fingerprint.init(sdp:)).first
            }).first
        else { throw .noFingerprint }
        self.fingerprint = fingerprint
        // With RTCP on the same port, payload types 64 to 95 would look like RTCP (RFC 5761 §4).
        codecs = voice.audioFormats.filter { !Self.looksLikeRTCP($0.payloadType) }
        telephoneEvents = voice.telephoneEvents.filter { !Self.looksLikeRTCP($0.value) }
        direction = voice.direction ?? sdp.direction ?? .sendrecv
        guard !codecs.isEmpty else { throw .noSharedCodec }
    }

    private static func looksLikeRTCP(_ payloadType: UInt8) -> Bool {
        (64...95).contains(payloadType)
    }

    /// What media may flow once the answer is out.
    /// - Parameter allowed: codecs that the box permits; Opus leads the result wherever it is in the offer, the others
    ///   keep the page's order.
    /// - Throws: `.noSharedCodec`.
    package func audio(allowed: [AudioCodec]) throws(SDPError) -> BrowserAudio {
        let shared = codecs.filter { allowed.contains($0.codec) }
        guard !shared.isEmpty else { throw .noSharedCodec }
        return BrowserAudio(
            formats: shared.filter { $0.codec == .opus } + shared.filter { $0.codec != .opus },
            telephoneEvents: telephoneEvents.filter { $0.key == 8_000 || $0.key == 48_000 },
            direction: direction.mirrored)
    }
}

extension SessionDescription {
    /// The mids that share one transport (RFC 9143 §7.1), first group only.
    var bundle: [String] {
        for group in values(of: "group") {
            let words = group.fields()
            if words.first == "BUNDLE" { return words.dropFirst().map(String.init) }
        }
        return []
    }

    /// Where the transport of a section may be described, nearest first: itself, the section that speaks for its
    /// bundle (RFC 9143 §7.1.3), the session.
    func transportCarriers(of index: Int) -> [any AttributeCarrier] {
        var carriers: [any AttributeCarrier] = [media[index]]
        let bundle = bundle
        if let mid = media[index].value(of: "mid"), bundle.contains(mid), let tag = bundle.first,
            let tagged = media.first(where: { $0.value(of: "mid") == tag })
        {
            carriers.append(tagged)
        }
        carriers.append(self)
        return carriers
    }
}
