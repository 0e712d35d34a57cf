package import Wire

extension TrunkAnswer {
    /// Answers a change of a session that stands: hold, resume, another address or codec (RFC 3264 §8).
    ///
    /// The session keeps its identifier and its place (the sections that were there stay where they are), the version
    /// goes up by one, the codec in use stays if it is still offered, so that a hold and its end change nothing else.
    /// - Parameters:
    ///   - last: what the box said last, offer or answer.
    ///   - using: the codec in use; nil before there is one.
    ///   - holds: the box itself holds the call: it receives nothing, whatever is offered.
    /// - Throws: as ``make(to:local:sessionID:version:codecs:)``; `.mismatch` if sections of the session are missing.
    package static func renew(
        _ last: SessionDescription, for offer: SessionDescription, local: NetworkAddress, using: AudioCodec?,
        codecs: [AudioCodec], holds: Bool = false
    ) throws(SDPError) -> (answer: SessionDescription, audio: TrunkAudio) {
        guard offer.media.count >= last.media.count else { throw .mismatch }
        var codecs = codecs
        if let using, codecs.contains(using), (try? make(to: offer, local: local, sessionID: 0, codecs: [using])) != nil
        {
            codecs = [using]
        }
        var (answer, audio) = try make(to: offer, local: local, sessionID: 0, codecs: codecs)
        answer.origin = last.origin.next
        if holds {
            audio.direction = MediaDirection(sends: audio.direction.sends, receives: false)
            answer.setVoiceDirection(audio.direction)
        }
        return (answer, audio)
    }
}

extension TrunkOffer {
    /// The session as it stands, offered anew: to hold it (`sendonly`), to resume it, or because a re-INVITE came
    /// without an offer (RFC 3264 §8). The version goes up by one; sections that were refused stay refused.
    package static func renew(_ last: SessionDescription, direction: MediaDirection) -> SessionDescription {
        var offer = last
        offer.origin = last.origin.next
        offer.setVoiceDirection(direction)
        return offer
    }
}

extension SessionDescription.Origin {
    /// The same session, one version on (RFC 8866 §5.2). A version that is no number of 64 bits, which only others
    /// write, stays.
    package var next: Self {
        var next = self
        if let number = UInt64(version) { next.version = String(number &+ 1) }
        return next
    }
}

extension SessionDescription {
    /// Where the speaker receives the voice; nil where there is none, or no numeric address.
    package var voiceAddress: NetworkAddress? {
        media.first { $0.kind == "audio" && $0.port != 0 }.flatMap { try? rtpAddress(of: $0) }
    }

    /// Which way the voice goes, as its speaker says it.
    package var voiceDirection: MediaDirection {
        media.first { $0.kind == "audio" && $0.port != 0 }.map(effectiveDirection) ?? .sendrecv
    }

    /// Says which way the open voice section goes, in the section itself.
    mutating func setVoiceDirection(_ direction: MediaDirection) {
        guard let index = media.firstIndex(where: { $0.kind == "audio" && $0.port != 0 }) else { return }
        attributes.removeAll { MediaDirection(rawValue: $0.name) != nil }
        media[index].attributes.removeAll { MediaDirection(rawValue: $0.name) != nil }
        media[index].attributes.append(.init(direction.rawValue))
    }
}
