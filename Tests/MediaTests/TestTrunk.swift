import RTP
import SDP
import Wire

@testable import Media

/// The provider's side of a trunk leg: two plain sockets.
final class TestTrunk {
    let rtp: TestSocket
    let rtcp: TestSocket
    /// Another one after the box has started anew.
    var boxPort: UInt16
    private(set) var heard: [HeardPacket] = []
    private(set) var reports: [[UInt8]] = []
    private var sequence: UInt16 = 65_500
    private var timestamp: UInt32 = 0xffff_f000
    var ssrc: UInt32 = 0x7e57_0001

    init(boxPort: UInt16) throws {
        rtp = try TestSocket()
        rtcp = try TestSocket()
        self.boxPort = boxPort
    }

    func audio(_ codec: AudioCodec, event: UInt8? = 101) -> TrunkAudio {
        TrunkAudio(
            codec: codec, payloadType: codec.staticPayloadType ?? 96, telephoneEvent: event, remote: rtp.address,
            remoteRTCP: rtcp.address)
    }

    func pump() {
        for datagram in rtp.receive() {
            if let packet = HeardPacket(datagram) { heard.append(packet) }
        }
        reports += rtcp.receive()
    }

    func say(_ payload: [UInt8], as payloadType: UInt8, ticks: UInt32 = 160) {
        rtp.send(
            rtpPacket(payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc, payload), to: boxPort)
        sequence &+= 1
        timestamp &+= ticks
    }

    func press(_ digit: Character, as payloadType: UInt8 = 101) {
        let code = TelephoneEvent.code(for: digit) ?? 0
        for step in 1...5 {
            let event = TelephoneEvent(
                event: code, isEnd: step >= 3, duration: UInt16(min(step, 3) * 160))
            var payload = [UInt8](repeating: 0, count: 4)
            payload.withUnsafeMutableBytes { _ = try? event.write(into: $0) }
            rtp.send(
                rtpPacket(
                    payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc, marker: step == 1, payload),
                to: boxPort)
            sequence &+= 1
        }
        timestamp &+= 800
    }

    func forget() { heard = [] }
}
