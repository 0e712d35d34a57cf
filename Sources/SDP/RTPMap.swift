/// What a payload type number stands for (RFC 8866 §6.6): `a=rtpmap:111 opus/48000/2`.
package struct RTPMap: Equatable, Sendable {
    /// 0...127
    package var payloadType: UInt8
    /// In lower case.
    package var encodingName: String
    /// Hz
    package var clockRate: UInt32
    package var channels: Int

    /// - Parameter value: what follows `a=rtpmap:`.
    /// - Returns: nil if it is malformed.
    init?(_ value: String) {
        let parts = value.fields()
        guard parts.count >= 2, let payloadType = UInt8(parts[0]), payloadType < 128 else { return nil }
        let encoding = parts[1].fields(separatedBy: "/")
        guard encoding.count == 2 || encoding.count == 3, !encoding[0].isEmpty,
            let clockRate = UInt32(encoding[1]), clockRate > 0
        else { return nil }
        self.payloadType = payloadType
        encodingName = encoding[0].lowercased()
        self.clockRate = clockRate
        guard encoding.count == 3 else {
            channels = 1
            return
        }
        guard let channels = Int(encoding[2]), channels > 0 else { return nil }
        self.channels = channels
    }

    private init(_ payloadType: UInt8, _ encodingName: String) {
        self.payloadType = payloadType
        self.encodingName = encodingName
        clockRate = 8_000
        channels = 1
    }

    /// The numbers that need no `a=rtpmap` (RFC 3551 §6), as far as telephony meets them.
    init?(staticPayloadType: UInt8) {
        switch staticPayloadType {
        case 0: self.init(0, "pcmu")
        case 3: self.init(3, "gsm")
        case 4: self.init(4, "g723")
        case 8: self.init(8, "pcma")
        case 9: self.init(9, "g722")
        case 13: self.init(13, "cn")
        case 18: self.init(18, "g729")
        default: return nil
        }
    }
}
