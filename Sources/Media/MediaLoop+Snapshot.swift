import OpusCodec
import RTP
import SDP
import SecureMedia
import Wire

extension MediaLoop {
    func snapshot() -> MediaSnapshot {
        var result = MediaSnapshot()
        result.legs = legs.values.map(figures).sorted { $0.identifier.number < $1.identifier.number }
        result.sockets = openSockets
        result.opusEncoders = OpusObjects.encoders
        result.opusDecoders = OpusObjects.decoders
        result.dtlsEndpoints = SecureMediaObjects.dtlsServers
        result.validatedAddresses = byAddress.count
        result.dropped = context.dropped.named
        if context.queue.refused > 0 { result.dropped[DropReason.unsent.name, default: 0] += context.queue.refused }
        return result
    }

    func figures(of leg: Leg) -> MediaSnapshot.Leg {
        var figures = MediaSnapshot.Leg(identifier: leg.identifier, kind: .trunk)
        if case .browser(let browser) = leg.transport {
            figures.kind = .browser
            figures.srtpProfile = browser.srtp?.profile.name
        }
        figures.packetsIn = UInt64(clamping: leg.receiver.packets)
        figures.bytesIn = UInt64(clamping: leg.receiver.bytes)
        figures.packetsOut = leg.packetsOut
        figures.bytesOut = leg.bytesOut
        figures.lost = Int(clamping: leg.receiver.lost)
        figures.jitterMilliseconds = leg.receiver.jitter.milliseconds
        figures.roundTripMilliseconds = leg.roundTrip?.milliseconds
        figures.codecIn = leg.codecIn?.rawValue
        figures.codecOut = leg.codecOut?.rawValue
        return figures
    }
}
