// A release build, which compiles the room as a whole, finds the kinds of sockets only here.
import CSystemd
import Glibc

/// Sends datagrams to one Unix socket and never waits: what the receiver cannot take at once is refused.
///
/// One socket is held for its whole life, so that a process that has run out of descriptors can still feed its
/// watchdog and still say so in the journal. It is not connected: the receiver may be restarted.
final class LocalDatagramSender: Sendable {
    private let descriptor: CInt
    private let address: sockaddr_un
    private let addressLength: socklen_t

    /// - Parameter path: absolute, or `@name` for Linux's abstract names (unix(7)).
    /// - Returns: nil for any other path, one of more than 107 bytes, or when no descriptor is left.
    init?(path: String) {
        let name = Array(path.utf8)
        var address = sockaddr_un()
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard let first = name.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), name.count > 1,
            name.count < capacity, !name.contains(0)
        else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { field in
            field.copyBytes(from: name)
            // An abstract name begins with NUL and has no end but the length.
            if first == UInt8(ascii: "@") { field[0] = 0 }
        }
        let header = MemoryLayout<sockaddr_un>.size - capacity
        addressLength = socklen_t(header + name.count + (first == UInt8(ascii: "@") ? 0 : 1))
        self.address = address
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// - Parameter passing: a descriptor that the receiver gets a duplicate of (unix(7), SCM_RIGHTS).
    /// - Returns: whether the receiver has it now; false with `errno` set.
    func send(_ bytes: [UInt8], passing: CInt? = nil) -> Bool {
        var address = address
        return bytes.withUnsafeBytes { payload in
            withUnsafeMutablePointer(to: &address) { name in
                var part = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress), iov_len: payload.count)
                return withUnsafeMutablePointer(to: &part) { parts in
                    var message = msghdr()
                    message.msg_name = UnsafeMutableRawPointer(name)
                    message.msg_namelen = addressLength
                    message.msg_iov = parts
                    message.msg_iovlen = 1
                    guard let passing else { return transmit(&message) }
                    return withUnsafeTemporaryAllocation(
                        byteCount: Self.rightsBytes, alignment: MemoryLayout<cmsghdr>.alignment
                    ) { rights in
                        Self.write(passing, to: rights)
                        message.msg_control = rights.baseAddress
                        message.msg_controllen = rights.count
                        return transmit(&message)
                    }
                }
            }
        }
    }

    private func transmit(_ message: inout msghdr) -> Bool {
        let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
        while true {
            if sendmsg(descriptor, &message, flags) >= 0 { return true }
            guard errno == EINTR else { return false }
        }
    }

    /// `cmsghdr` and one descriptor, filled up to whole words (cmsg(3): CMSG_SPACE(sizeof(int))).
    private static let rightsBytes = MemoryLayout<cmsghdr>.size + MemoryLayout<Int>.size

    private static func write(_ descriptor: CInt, to rights: UnsafeMutableRawBufferPointer) {
        rights.initializeMemory(as: UInt8.self, repeating: 0)
        var header = cmsghdr()
        header.cmsg_len = MemoryLayout<cmsghdr>.size + MemoryLayout<CInt>.size
        header.cmsg_level = SOL_SOCKET
        header.cmsg_type = CInt(SCM_RIGHTS)
        rights.storeBytes(of: header, as: cmsghdr.self)
        rights.storeBytes(of: descriptor, toByteOffset: MemoryLayout<cmsghdr>.size, as: CInt.self)
    }
}
