import Glibc
import RTP
import Wire

@testable import Media

/// A plain UDP socket of the far side.
final class TestSocket {
    let socket: DatagramSocket
    private let batch = ReceiveBatch()
    private let queue = SendQueue()

    /// Where `send` goes.
    private let box: NetworkAddress.Host
    /// The sender of the newest datagram.
    private(set) var lastSource: NetworkAddress?

    init(on host: NetworkAddress.Host = .ipv4(0x7f00_0001), towards box: NetworkAddress.Host? = nil) throws {
        socket = try DatagramSocket(NetworkAddress(host: host, port: 0))
        self.box = box ?? host
    }

    var address: NetworkAddress { socket.local }

    func send(_ bytes: [UInt8], to port: UInt16) {
        let path = PacketPath(remote: NetworkAddress(host: box, port: port), local: nil)
        bytes.withUnsafeBytes { queue.send($0, through: socket.handle, along: path) }
        queue.flush()
    }

    /// Everything that has arrived.
    func receive() -> [[UInt8]] {
        var result: [[UInt8]] = []
        while true {
            let count = batch.receive(from: socket.handle.descriptor)
            guard count > 0 else { return result }
            for index in 0..<count {
                if let datagram = batch.datagram(index) { result.append(Array(datagram)) }
                lastSource = batch.path(index)?.remote
            }
        }
    }
}

/// An RTP packet that arrived in clear or was unprotected.
struct HeardPacket: Equatable {
    var header: RTPHeader
    var payload: [UInt8]

    /// Whether it is a telephone-event's end packet.
    var isEventEnd: Bool { payload.count == 4 && payload[1] & 0x80 != 0 }

    init?(_ bytes: [UInt8]) {
        let parsed = bytes.withUnsafeBytes { try? RTPHeader(parsing: $0) }
        guard let parsed else { return nil }
        header = parsed
        payload = Array(bytes[parsed.payload])
    }
}

func rtpPacket(
    _ payloadType: UInt8, sequence: UInt16, timestamp: UInt32, ssrc: UInt32, marker: Bool = false, _ payload: [UInt8]
) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: 12) + payload
    let header = RTPHeader(
        payloadType: payloadType, marker: marker, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
    packet.withUnsafeMutableBytes { _ = try? header.write(into: $0) }
    return packet
}
