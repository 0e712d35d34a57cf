import Glibc
import NIOCore
import Wire

extension Channel {
    /// Hands one datagram to the kernel, on the channel's event loop.
    ///
    /// Past NIO, which closes a socket for good when the kernel refuses a datagram for any reason but its size or an
    /// unreachable host: a network that is gone for a second, a firewall, or the port 0 that a stranger named for his
    /// answer would end SIP.
    /// - Returns: 0, or the error's number.
    func sendDatagram(_ bytes: [UInt8], to peer: NetworkAddress) -> CInt {
        var (storage, length) = peer.socketAddress()
        let errnoCode = try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    sendto(descriptor, bytes, bytes.count, 0, address, length) < 0 ? errno : 0
                }
            }
        }
        return errnoCode ?? EBADF
    }
}
