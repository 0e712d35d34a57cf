import FoundationEssentials
import Glibc
import Wire

/// What this machine is called, without netlink: the web process's sandbox has none.
enum MachineAddresses {
    /// Every address of the machine: IPv6 link-local ones, which no URL can hold, left out.
    static func all() -> [NetworkAddress.Host] {
        var hosts: [NetworkAddress.Host] = []
        for host in ipv4() + ipv6() where !host.isLinkLocal && !hosts.contains(host) { hosts.append(host) }
        return hosts
    }

    /// The host name where it can stand in a certificate, as it is and below `local`.
    static func names() -> [String] {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return [] }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
        guard isHostName(text), text != "localhost" else { return [] }
        return text.contains(".") ? [text] : [text, text + ".local"]
    }

    /// Letters, digits, hyphens and dots (RFC 1123 §2.1), at most 253 bytes.
    static func isHostName(_ text: some StringProtocol) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    }
            }
    }

    /// netdevice(7), SIOCGIFCONF.
    private static func ipv4() -> [NetworkAddress.Host] {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let size = MemoryLayout<ifreq>.stride
        var bytes = [UInt8](repeating: 0, count: 128 * size)
        return bytes.withUnsafeMutableBytes { buffer in
            var request = ifconf()
            request.ifc_len = CInt(buffer.count)
            request.ifc_ifcu.ifcu_buf = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard ioctl(descriptor, UInt(0x8912), &request) == 0 else { return [] }
            return (0..<max(0, Int(request.ifc_len)) / size).compactMap { index in
                let offset = index * size
                guard offset + size <= buffer.count else { return nil }
                let entry = buffer.loadUnaligned(fromByteOffset: offset, as: ifreq.self)
                var storage = sockaddr_storage()
                withUnsafeBytes(of: entry.ifr_ifru.ifru_addr) { from in
                    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: from) }
                }
                return NetworkAddress(storage)?.host
            }
        }
    }

    /// Each line begins with the address in 32 hexadecimal digits (proc(5)).
    private static func ipv6() -> [NetworkAddress.Host] {
        guard let data = FileManager.default.contents(atPath: "/proc/self/net/if_inet6") else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            let digits = line.prefix(32)
            guard digits.utf8.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
                let low = UInt64(digits.suffix(16), radix: 16)
            else { return nil }
            return .ipv6(high: high, low: low)
        }
    }
}
