// A release build finds the kinds of sockets only there.
import CLinux
import Glibc
package import Wire

/// What the kernel says about this machine's own addresses.
package enum LocalAddress {
    /// The address that datagrams to this peer leave from; nil without a route.
    package static func towards(_ peer: NetworkAddress) -> NetworkAddress.Host? {
        withDatagramSocket(like: peer) { socket in
            guard withKernelForm(of: peer, { connect(socket, $0, $1) }) == 0 else { return nil }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let result = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
            }
            return result == 0 ? NetworkAddress(storage)?.host : nil
        } ?? nil
    }

    /// Every address of the machine's interfaces that are up, loopback last, IPv6 link-local left out.
    package static func all(withLoopback: Bool = true) -> [NetworkAddress.Host] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var hosts: [NetworkAddress.Host] = []
        var loopback: [NetworkAddress.Host] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            let flags = entry.pointee.ifa_flags
            guard flags & UInt32(IFF_UP) != 0, let host = host(of: entry.pointee.ifa_addr) else { continue }
            if flags & UInt32(IFF_LOOPBACK) != 0 {
                loopback.append(host)
            } else if !host.isLinkLocal, !hosts.contains(host) {
                hosts.append(host)
            }
        }
        return withLoopback ? hosts + loopback : hosts
    }

    /// - Returns: 0 if nobody else has this UDP port, else the error's number.
    static func bindErrorCode(udp address: NetworkAddress) -> CInt {
        withDatagramSocket(like: address) { socket in
            var only: CInt = 1
            if address.isIPv6 {
                setsockopt(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &only, socklen_t(MemoryLayout<CInt>.size))
            }
            return withKernelForm(of: address) { bind(socket, $0, $1) } == 0 ? 0 : errno
        } ?? errno
    }

    private static func withDatagramSocket<Result>(
        like address: NetworkAddress, _ body: (CInt) -> Result
    ) -> Result? {
        let socket = Glibc.socket(
            address.isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        defer { Glibc.close(socket) }
        return body(socket)
    }

    private static func withKernelForm(
        of address: NetworkAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var (storage, length) = address.socketAddress()
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private static func host(of address: UnsafeMutablePointer<sockaddr>?) -> NetworkAddress.Host? {
        guard let address else { return nil }
        var storage = sockaddr_storage()
        let size =
            switch CInt(address.pointee.sa_family) {
            case AF_INET: MemoryLayout<sockaddr_in>.size
            case AF_INET6: MemoryLayout<sockaddr_in6>.size
            default: 0
            }
        guard size > 0 else { return nil }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
        return NetworkAddress(storage)?.host
    }
}

/// The system's words for an error number.
package func systemMessage(_ errnoCode: CInt) -> String {
    strerror(errnoCode).map { String(cString: $0) } ?? "error \(errnoCode)"
}
