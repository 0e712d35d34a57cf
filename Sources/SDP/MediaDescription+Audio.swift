import Wire

extension MediaDescription {
    /// What each payload type of the `m=` line stands for, in that line's order, which is the speaker's preference.
    /// Numbers without an `a=rtpmap` have their static meaning (RFC 3551 §6); unknown ones are left out.
    package var maps: [RTPMap] {
        let said = values(of: "rtpmap").compactMap(RTPMap.init(_:))
        var seen: Set<UInt8> = []
        return formats.compactMap { format in
            guard let payloadType = UInt8(format), payloadType < 128, seen.insert(payloadType).inserted else {
                return nil
            }
            return said.first { $0.payloadType == payloadType } ?? RTPMap(staticPayloadType: payloadType)
        }
    }

    /// The codecs that the box can carry, in the speaker's order, each once.
    package var audioFormats: [AudioFormat] {
        var seen: Set<AudioCodec> = []
        return maps.compactMap { map in
            guard let codec = AudioCodec(map), seen.insert(codec).inserted else { return nil }
            return AudioFormat(
                codec: codec, payloadType: map.payloadType, parameters: parameters(of: map.payloadType) ?? "")
        }
    }

    /// Payload types of telephone-event (RFC 4733) by clock rate in Hz, if they take digits.
    package var telephoneEvents: [UInt32: UInt8] {
        var events: [UInt32: UInt8] = [:]
        for map in maps where map.encodingName == "telephone-event" && events[map.clockRate] == nil {
            guard takesDigits(parameters(of: map.payloadType)) else { continue }
            events[map.clockRate] = map.payloadType
        }
        return events
    }

    /// `a=fmtp:101 0-15`: what follows the payload type.
    private func parameters(of payloadType: UInt8) -> String? {
        for value in values(of: "fmtp") {
            let parts = value.fields(atMost: 2)
            if parts.count == 2, UInt8(parts[0]) == payloadType { return String(parts[1]) }
        }
        return nil
    }

    /// Whether events 0 to 11 (the digits, star and pound) are all in the list `0-15`, `0-11,16`; no list means
    /// 0-15 (RFC 4733 §2.4.1), and so does one that cannot be read.
    private func takesDigits(_ list: String?) -> Bool {
        guard let list else { return true }
        var taken: UInt16 = 0
        for range in list.fields(separatedBy: ",") {
            let ends = range.fields(separatedBy: "-").flatMap { $0.fields() }.map { UInt8($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
                return true
            }
            for event in 0..<UInt8(12) where first <= event && event <= last { taken |= 1 << UInt16(event) }
        }
        return taken == 0xfff
    }

    /// Milliseconds of audio that the speaker wants in a packet it receives (`a=ptime`, `a=maxptime`), 10...60 and
    /// such that the codec can make it; 20 if it does not say.
    func packetMilliseconds(for codec: AudioCodec) -> Int {
        let wanted = milliseconds("ptime") ?? 20
        let most = max(10, min(60, milliseconds("maxptime") ?? 60))
        let tens = min(max(10, wanted), most) / 10 * 10
        // Opus has no frames of 30 or 50 ms (RFC 6716 §2.1.4).
        guard codec == .opus else { return tens }
        return [60, 40, 20].first { $0 <= tens } ?? 10
    }

    /// Whole milliseconds; a fraction, which some equipment writes, is cut off.
    private func milliseconds(_ name: String) -> Int? {
        value(of: name).flatMap { $0.fields(separatedBy: ".").first }.flatMap { $0.fields().first }.flatMap { Int($0) }
    }

    /// Where the speaker wants RTCP (RFC 3605): `a=rtcp:53020` or `a=rtcp:53020 IN IP4 192.0.2.1`, otherwise the next
    /// port. Port 0 where there is none.
    func rtcpAddress(rtp: NetworkAddress) -> NetworkAddress {
        let next = NetworkAddress(host: rtp.host, port: rtp.port &+ 1)
        guard let parts = value(of: "rtcp")?.fields(), let first = parts.first, let port = UInt16(first) else {
            return next
        }
        guard parts.count == 4, let host = NetworkAddress.Host(String(parts[3])), !host.isUnspecified else {
            return NetworkAddress(host: rtp.host, port: port)
        }
        return NetworkAddress(host: host, port: port)
    }

    /// The same section switched off, as an answer refuses it (RFC 3264 §6).
    var refused: MediaDescription {
        var section = MediaDescription(kind: kind, port: 0, transport: transport, formats: formats)
        if let mid = value(of: "mid") { section.attributes.append(.init("mid", mid)) }
        return section
    }
}
