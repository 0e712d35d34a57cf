package import Wire

extension BrowserOffer {
    /// The box's answer (RFC 8829 §5.3): ICE-lite on one address, DTLS server, one voice section; every other
    /// section is refused.
    /// - Parameters:
    ///   - candidates: where the box's one UDP port can be reached, best first.
    ///   - sessionID: below 2⁶³ (RFC 8829 §5.2.1); the top bit is cut off.
    ///   - cname: names the sender in RTCP too; at most 16 random letters give nothing away (RFC 7022).
    ///   - ssrc: what the box sends under.
    ///   - allowed: codecs that the box permits.
    /// - Throws: `.noSharedCodec`.
    package func answer(
        local: ICECredentials, fingerprint: Fingerprint, candidates: [NetworkAddress], sessionID: UInt64,
        cname: String, ssrc: UInt32, allowed: [AudioCodec], version: UInt64 = 1
    ) throws(SDPError) -> SessionDescription {
        let audio = try audio(allowed: allowed)
        let main = candidates.first ?? NetworkAddress(host: .ipv4(0), port: 9)
        var answer = SessionDescription(
            origin: .init(sessionID: sessionID & UInt64(Int64.max), version: version, host: .ipv4(0x7f00_0001)),
            timing: description.timing)
        if let mid, description.bundle.contains(mid) {
            answer.attributes.append(.init("group", "BUNDLE \(mid)"))
        }
        answer.attributes.append(.init("ice-lite"))
        let offered = description.media[index]
        var voice = MediaDescription(
            kind: "audio", port: main.port, transport: offered.transport, formats: [],
            connection: .init(host: main.host))
        if let mid { voice.attributes.append(.init("mid", mid)) }
        voice.attributes += [
            .init(audio.direction.rawValue),
            .init("rtcp-mux"),
            .init("ice-ufrag", local.usernameFragment),
            .init("ice-pwd", local.password.revealed),
            .init("fingerprint", fingerprint.description),
            .init("setup", "passive"),
        ]
        voice.attributes += candidateAttributes(candidates)
        appendFormats(of: audio, to: &voice)
        if audio.direction.sends {
            voice.attributes += [.init("msid", "\(cname) \(cname)"), .init("ssrc", "\(ssrc) cname:\(cname)")]
        }
        answer.media = description.media.indices.map { index in
            index == self.index ? voice : description.media[index].refused
        }
        return answer
    }

    /// `foundation component transport priority address port typ host` (RFC 8839 §5.1), priorities after
    /// RFC 8445 §5.1.2.1: type preference 126, then the order given.
    private func candidateAttributes(_ candidates: [NetworkAddress]) -> [SessionDescription.Attribute] {
        var attributes: [SessionDescription.Attribute] = []
        for (order, address) in candidates.prefix(16).enumerated() {
            let priority = 126 << 24 | (65_535 - order) << 8 | 255
            attributes.append(
                .init("candidate", "\(order + 1) 1 udp \(priority) \(address.host) \(address.port) typ host"))
        }
        attributes.append(.init("end-of-candidates"))
        return attributes
    }

    private func appendFormats(of audio: BrowserAudio, to voice: inout MediaDescription) {
        for format in audio.formats {
            voice.formats.append("\(format.payloadType)")
            voice.attributes.append(.init("rtpmap", "\(format.payloadType) \(format.codec.encoding)"))
            if format.codec == .opus {
                voice.attributes.append(.init("fmtp", "\(format.payloadType) minptime=10;useinbandfec=1"))
            }
        }
        for (clockRate, payloadType) in audio.telephoneEvents.sorted(by: { $0.key > $1.key }) {
            voice.formats.append("\(payloadType)")
            voice.attributes.append(.init("rtpmap", "\(payloadType) telephone-event/\(clockRate)"))
            voice.attributes.append(.init("fmtp", "\(payloadType) 0-15"))
        }
        voice.attributes.append(.init("ptime", "20"))
    }
}
