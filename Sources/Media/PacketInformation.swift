import CLinux
import Glibc
import Wire

/// The control message that names our own address of a datagram (ip(7), ipv6(7)).
///
///     cmsghdr   length: size_t, level: int, type: int
///     IPv4      in_pktinfo:  interface: int, local: in_addr, destination: in_addr
///     IPv6      in6_pktinfo: address: 16 bytes, interface: unsigned int
///
/// The C macros that walk it are invisible to Swift; the layout is written out here.
enum PacketInformation {
    static let headerBytes = MemoryLayout<cmsghdr>.size
    private static let alignment = MemoryLayout<Int>.size
    private static let ipv4Bytes = 12
    private static let ipv6Bytes = 20

    private static func aligned(_ length: Int) -> Int { (length + alignment - 1) & ~(alignment - 1) }

    /// - Returns: the address that the datagram came to, if the kernel told.
    static func read(_ messages: UnsafeRawBufferPointer) -> NetworkAddress.Host? {
        var offset = 0
        while offset + headerBytes <= messages.count {
            let header = messages.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
            let length = Int(header.cmsg_len)
            guard length >= headerBytes, length <= messages.count - offset else { return nil }
            let data = UnsafeRawBufferPointer(rebasing: messages[offset + headerBytes..<offset + length])
            if header.cmsg_level == Int32(IPPROTO_IP), header.cmsg_type == IP_PKTINFO, data.count >= ipv4Bytes {
                return .ipv4(UInt32(bigEndian: data.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            }
            if header.cmsg_level == Int32(IPPROTO_IPV6), header.cmsg_type == IPV6_PKTINFO,
                data.count >= ipv6Bytes
            {
                let host = NetworkAddress.Host.ipv6(
                    high: UInt64(bigEndian: data.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: data.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
                // A mapped IPv4 address becomes a plain one.
                return NetworkAddress(host: host, port: 0).host
            }
            offset += aligned(length)
        }
        return nil
    }

    /// - Returns: how many bytes of `messages` were filled; 0 if they do not suffice.
    static func write(_ local: NetworkAddress.Host, asIPv6: Bool, to messages: UnsafeMutableRawBufferPointer) -> Int {
        let dataBytes = asIPv6 ? ipv6Bytes : ipv4Bytes
        let space = headerBytes + aligned(dataBytes)
        guard messages.count >= space else { return 0 }
        let used = UnsafeMutableRawBufferPointer(rebasing: messages[0..<space])
        used.initializeMemory(as: UInt8.self, repeating: 0)
        var header = cmsghdr()
        header.cmsg_len = headerBytes + dataBytes
        if asIPv6 {
            header.cmsg_level = Int32(IPPROTO_IPV6)
            header.cmsg_type = IPV6_PKTINFO
            let (high, low): (UInt64, UInt64) =
                switch local {
                case .ipv4(let bits): (0, 0xffff_0000_0000 | UInt64(bits))
                case .ipv6(let high, let low): (high, low)
                }
            used.storeBytes(of: high.bigEndian, toByteOffset: headerBytes, as: UInt64.self)
            used.storeBytes(of: low.bigEndian, toByteOffset: headerBytes + 8, as: UInt64.self)
        } else {
            guard case .ipv4(let bits) = local else { return 0 }
            header.cmsg_level = Int32(IPPROTO_IP)
            header.cmsg_type = IP_PKTINFO
            used.storeBytes(of: bits.bigEndian, toByteOffset: headerBytes + 4, as: UInt32.self)
        }
        used.storeBytes(of: header, as: cmsghdr.self)
        return space
    }
}
