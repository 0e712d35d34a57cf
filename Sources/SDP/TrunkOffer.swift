package import Wire

/// The box offers plain RTP to its telephone provider (RFC 3264 §5), and reads what comes back (§7).
package enum TrunkOffer {
    /// Payload types for what has no static one: any of 96 to 127 would do (RFC 3551 §6).
    private static let opus: UInt8 = 96
    private static let telephoneEvent: UInt8 = 101
    private static let opusTelephoneEvent: UInt8 = 102

    /// - Parameters:
    ///   - local: where the box receives RTP; RTCP is the next port.
    ///   - version: one more for each further description of the same session.
    ///   - codecs: in order of preference; repeated ones count once.
    package static func make(
        local: NetworkAddress, sessionID: UInt64, version: UInt64, codecs: [AudioCodec],
        direction: MediaDirection = .sendrecv
    ) -> SessionDescription {
        var voice = MediaDescription(kind: "audio", port: local.port, transport: "RTP/AVP", formats: [])
        for codec in codecs {
            let payloadType = "\(codec.staticPayloadType ?? opus)"
            guard !voice.formats.contains(payloadType) else { continue }
            voice.formats.append(payloadType)
            voice.attributes.append(.init("rtpmap", "\(payloadType) \(codec.encoding)"))
            if codec == .opus { voice.attributes.append(.init("fmtp", "\(payloadType) useinbandfec=1")) }
        }
        // One for each clock rate among the codecs (RFC 4733 §2.1).
        if codecs.contains(where: { $0.clockRate == 8_000 }) {
            voice.appendTelephoneEvent(telephoneEvent, clockRate: 8_000)
        }
        if codecs.contains(.opus) {
            voice.appendTelephoneEvent(opusTelephoneEvent, clockRate: 48_000)
        }
        voice.attributes += [.init("ptime", "20"), .init(direction.rawValue)]
        return SessionDescription(
            origin: .init(sessionID: sessionID, version: version, host: local.host), name: "sipcall",
            connection: .init(host: local.host), media: [voice])
    }

    /// - Parameters:
    ///   - offer: what ``make(local:sessionID:version:codecs:direction:)`` gave.
    ///   - answer: from a 2xx, or from a provisional response with early media.
    /// - Throws: `.mismatch` if the voice is not where it was offered, `.noAudio` if it was refused, `.transport`,
    ///   `.noAddress`, `.noSharedCodec`.
    package static func agreed(offer: SessionDescription, answer: SessionDescription) throws(SDPError) -> TrunkAudio {
        // A session that the other side began may have had other sections first, which are switched off.
        let place = offer.media.firstIndex { $0.kind == "audio" && $0.port != 0 } ?? 0
        guard offer.media.indices.contains(place), answer.media.indices.contains(place) else { throw .mismatch }
        let (asked, voice) = (offer.media[place], answer.media[place])
        guard voice.kind == asked.kind else { throw .mismatch }
        guard voice.port != 0 else { throw .noAudio }
        guard TrunkTransport.isPlain(voice.transport) else { throw .transport }
        let offered = asked.audioFormats
        let accepted = voice.audioFormats.filter { format in offered.contains { $0.codec == format.codec } }
        guard let first = accepted.first else { throw .noSharedCodec }
        let remote = try answer.rtpAddress(of: voice)
        let events = voice.telephoneEvents
        let offeredEvents = asked.telephoneEvents
        // Some equipment answers Opus with events on 8,000 Hz only.
        let clockRate = [first.codec.clockRate, 8_000].first { events[$0] != nil && offeredEvents[$0] != nil }
        let theirs = answer.effectiveDirection(of: voice)
        let ours = (asked.direction ?? .sendrecv)
        return TrunkAudio(
            codec: first.codec, payloadType: first.payloadType, telephoneEvent: clockRate.flatMap { events[$0] },
            telephoneEventClockRate: clockRate ?? first.codec.clockRate, remote: remote,
            remoteRTCP: voice.rtcpAddress(rtp: remote), packetMilliseconds: voice.packetMilliseconds(for: first.codec),
            direction: MediaDirection(sends: ours.sends && theirs.receives, receives: ours.receives && theirs.sends),
            receivable: offered.filter { format in accepted.contains { $0.codec == format.codec } },
            receivableTelephoneEvent: .some(clockRate.flatMap { offeredEvents[$0] }))
    }
}

/// The transports under which a provider sends plain RTP.
enum TrunkTransport {
    static func isPlain(_ transport: String) -> Bool {
        transport == "RTP/AVP" || transport == "RTP/AVPF"
    }
}

extension MediaDescription {
    mutating func appendTelephoneEvent(_ payloadType: UInt8, clockRate: UInt32) {
        formats.append("\(payloadType)")
        attributes.append(.init("rtpmap", "\(payloadType) telephone-event/\(clockRate)"))
        attributes.append(.init("fmtp", "\(payloadType) 0-15"))
    }
}

extension SessionDescription {
    /// Where the speaker receives the RTP of a section; the section's `c=` outranks the session's.
    /// - Throws: `.noAddress` for a name, a multicast address, or nothing.
    func rtpAddress(of section: MediaDescription) throws(SDPError) -> NetworkAddress {
        guard let host = (section.connection ?? connection)?.host else { throw .noAddress }
        return NetworkAddress(host: host, port: section.port)
    }

    /// The direction that a section says or inherits, as its speaker sees it. The unspecified address is an old way to
    /// say hold: nothing may be sent there (RFC 3264 §8.4).
    func effectiveDirection(of section: MediaDescription) -> MediaDirection {
        let said = section.direction ?? direction ?? .sendrecv
        guard (section.connection ?? connection)?.host?.isUnspecified == true else { return said }
        return MediaDirection(sends: said.sends, receives: false)
    }
}
