import CLinux
import Glibc
import Wire

/// Why a socket could not be had.
struct SocketError: Error, Equatable {
    var address: NetworkAddress
    /// The kernel's number.
    var errno: Int32

    var problem: Problem {
        switch errno {
        case EADDRINUSE:
            Problem(
                code: "media.port-in-use", sentence: "UDP port \(address.port) is in use by another program.",
                remedy: "Stop that program, or choose another port for media.listen in sipcall.toml.")
        case EADDRNOTAVAIL:
            Problem(
                code: "media.address-unknown", sentence: "This machine does not have the address \(address.host).",
                remedy: "Set media.listen in sipcall.toml to an address of this machine, or to 0.0.0.0.")
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            Problem(
                code: "media.no-descriptors", sentence: "The system has no file descriptor left for a call's sound.",
                remedy: "Raise LimitNOFILE of sipcall-core, or end some calls.")
        default:
            Problem(
                code: "media.socket-failed",
                sentence: "The UDP port \(address.port) could not be opened (error \(errno)).")
        }
    }
}

/// A UDP socket, bound and non-blocking, that tells which of our addresses each datagram came to.
/// Closed when the last reference goes.
final class DatagramSocket: Sendable {
    /// What sending needs to know, copied freely.
    struct Handle: Equatable, Sendable {
        var descriptor: Int32
        /// IPv4 addresses go in as mapped IPv6 ones.
        var isIPv6: Bool
    }

    let handle: Handle
    /// With the port that the kernel chose, if 0 was asked for.
    let local: NetworkAddress

    /// Expedited forwarding (RFC 4594 §4.1), as a TOS or traffic-class byte.
    private static let expeditedForwarding: Int32 = 0xb8

    init(_ address: NetworkAddress, receiveBufferBytes: Int32 = 256 * 1024) throws(SocketError) {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw SocketError(address: address, errno: errno) }
        Self.set(descriptor, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes)
        if address.isIPv6 {
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.host.isUnspecified ? 0 : 1)
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, 1)
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, Self.expeditedForwarding)
        } else {
            Self.set(descriptor, Int32(IPPROTO_IP), IP_PKTINFO, 1)
        }
        // On an IPv6 socket this marks the mapped IPv4 datagrams.
        Self.set(descriptor, Int32(IPPROTO_IP), IP_TOS, Self.expeditedForwarding)

        var (storage, length) = address.socketAddress()
        let bound = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else {
            let number = errno
            close(descriptor)
            throw SocketError(address: address, errno: number)
        }
        var chosen = sockaddr_storage()
        var chosenLength = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &chosen) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &chosenLength) }
        }
        local = NetworkAddress(chosen) ?? address
        handle = Handle(descriptor: descriptor, isIPv6: address.isIPv6)
    }

    deinit {
        close(handle.descriptor)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// A datagram's way: whom it came from and which of our addresses it came to, so that the answer leaves
/// from there. A peer behind a NAT, or one that checks the source, would not know another.
struct PacketPath: Equatable, Codable, Sendable {
    var remote: NetworkAddress
    /// nil lets the kernel's routes choose.
    var local: NetworkAddress.Host?
}
