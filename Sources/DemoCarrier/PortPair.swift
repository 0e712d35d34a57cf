import Glibc
import Wire

/// Two UDP sockets, non-blocking: an even port for RTP and the next one for RTCP (RFC 3550 §11). The second is only
/// there so that reports meet a port; nobody reads them.
final class PortPair: Sendable {
    private static let ports: ClosedRange<UInt16> = 30_000...31_998
    private static let tries = 1_000
    /// Datagrams of strangers left out before the others get their turn.
    private static let strangersAtOnce = 64

    let port: UInt16
    private let rtp: CInt
    private let rtcp: CInt

    /// - Returns: nil if the system gives none.
    init?(on host: NetworkAddress.Host) {
        for _ in 0..<Self.tries {
            let port = UInt16.random(in: Self.ports) & ~1
            guard let rtp = Self.open(NetworkAddress(host: host, port: port)) else { continue }
            guard let rtcp = Self.open(NetworkAddress(host: host, port: port + 1)) else {
                close(rtp)
                continue
            }
            (self.port, self.rtp, self.rtcp) = (port, rtp, rtcp)
            return
        }
        return nil
    }

    deinit {
        close(rtp)
        close(rtcp)
    }

    /// - Returns: the next datagram's length, 0 if none waits.
    func receive(into buffer: UnsafeMutableRawBufferPointer, from host: NetworkAddress.Host?) -> Int {
        for _ in 0..<Self.strangersAtOnce {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(rtp, buffer.baseAddress, buffer.count, 0, $0, &length)
                }
            }
            if count < 0, errno == EINTR || errno == ECONNREFUSED { continue }
            guard count > 0 else { return 0 }
            // Sound of strangers is left out.
            if NetworkAddress(storage)?.host == host { return count }
        }
        return 0
    }

    func send(_ bytes: UnsafeRawBufferPointer, to peer: NetworkAddress) {
        var (storage, length) = peer.socketAddress()
        // A packet that cannot go now is late: it is lost, as sound may be.
        _ = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(rtp, bytes.baseAddress, bytes.count, 0, $0, length)
            }
        }
    }

    private static func open(_ address: NetworkAddress) -> CInt? {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard descriptor >= 0 else { return nil }
        var (storage, length) = address.socketAddress()
        let bound = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
