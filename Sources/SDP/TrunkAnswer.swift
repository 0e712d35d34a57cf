package import Wire

/// The box answers what its telephone provider offers (RFC 3264 §6).
package enum TrunkAnswer {
    /// Takes the first voice section with plain RTP and, of its codecs, the offer's first that the box has: one codec
    /// alone, so that the other side cannot change it without asking. Every other section (video, T.38 fax, encrypted
    /// voice) is refused with port 0.
    /// - Parameters:
    ///   - local: where the box receives RTP; RTCP is the next port.
    ///   - codecs: those that the box has.
    /// - Throws: `.noAudio`, `.transport` if there is voice but none of it plain, `.noAddress`, `.noSharedCodec`:
    ///   488 Not Acceptable Here.
    package static func make(
        to offer: SessionDescription, local: NetworkAddress, sessionID: UInt64, version: UInt64 = 1,
        codecs: [AudioCodec]
    ) throws(SDPError) -> (answer: SessionDescription, audio: TrunkAudio) {
        let voices = offer.media.indices.filter { offer.media[$0].kind == "audio" && offer.media[$0].port != 0 }
        guard !voices.isEmpty else { throw .noAudio }
        let plain = voices.filter { TrunkTransport.isPlain(offer.media[$0].transport) }
        guard !plain.isEmpty else { throw .transport }
        let usable = plain.lazy.compactMap { index in
            offer.media[index].audioFormats.first { codecs.contains($0.codec) }.map { (index, $0) }
        }
        guard let (index, format) = usable.first else { throw .noSharedCodec }
        let audio = try agreed(format, section: offer.media[index], of: offer)
        var answer = SessionDescription(
            origin: .init(sessionID: sessionID, version: version, host: local.host), name: "sipcall",
            connection: .init(host: local.host), timing: offer.timing)
        answer.media = offer.media.indices.map { each in
            each == index
                ? section(audio, format: format, transport: offer.media[index].transport, port: local.port)
                : offer.media[each].refused
        }
        return (answer, audio)
    }

    private static func agreed(
        _ format: AudioFormat, section: MediaDescription, of offer: SessionDescription
    ) throws(SDPError) -> TrunkAudio {
        let remote = try offer.rtpAddress(of: section)
        let events = section.telephoneEvents
        let clockRate = [format.codec.clockRate, 8_000].first { events[$0] != nil }
        return TrunkAudio(
            codec: format.codec, payloadType: format.payloadType, telephoneEvent: clockRate.flatMap { events[$0] },
            telephoneEventClockRate: clockRate ?? format.codec.clockRate, remote: remote,
            remoteRTCP: section.rtcpAddress(rtp: remote),
            packetMilliseconds: section.packetMilliseconds(for: format.codec),
            direction: offer.effectiveDirection(of: section).mirrored)
    }

    private static func section(
        _ audio: TrunkAudio, format: AudioFormat, transport: String, port: UInt16
    ) -> MediaDescription {
        var voice = MediaDescription(
            kind: "audio", port: port, transport: transport, formats: ["\(format.payloadType)"],
            attributes: [.init("rtpmap", "\(format.payloadType) \(format.codec.encoding)")])
        if format.codec == .opus {
            voice.attributes.append(.init("fmtp", "\(format.payloadType) useinbandfec=1"))
        }
        if let event = audio.telephoneEvent {
            voice.appendTelephoneEvent(event, clockRate: audio.telephoneEventClockRate)
        }
        voice.attributes += [.init("ptime", "\(audio.packetMilliseconds)"), .init(audio.direction.rawValue)]
        return voice
    }
}
