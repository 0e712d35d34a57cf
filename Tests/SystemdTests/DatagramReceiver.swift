import Glibc
import Testing

/// A Unix datagram socket in a folder of its own: what the service manager, or the journal, is to its services.
final class DatagramReceiver {
    let path: String
    let folder: String
    private let descriptor: CInt

    /// - Parameter abstract: named in Linux's abstract space instead of in the folder.
    init(abstract: Bool = false) throws {
        folder = try temporaryFolder()
        path = abstract ? "@\(folder)" : "\(folder)/socket"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        // A message that does not come fails the test, it does not stop it.
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { field in
            field.copyBytes(from: name)
            if abstract { field[0] = 0 }
        }
        let length = socklen_t(2 + name.count + (abstract ? 0 : 1))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
        rmdir(folder)
    }

    /// - Returns: the next message, and the descriptor that came with it, which the caller owns.
    func next() throws -> (bytes: [UInt8], descriptor: CInt?) {
        var bytes = [UInt8](repeating: 0, count: 256 * 1024)
        var rights = [UInt8](repeating: 0, count: 64)
        let (count, controlLength) = bytes.withUnsafeMutableBytes { buffer in
            rights.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
                return withUnsafeMutablePointer(to: &part) { parts in
                    var message = msghdr()
                    message.msg_iov = parts
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return (recvmsg(descriptor, &message, 0), Int(message.msg_controllen))
                }
            }
        }
        try #require(count >= 0, "no message came")
        var passed: CInt?
        if controlLength >= MemoryLayout<cmsghdr>.size + MemoryLayout<CInt>.size {
            passed = rights.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: MemoryLayout<cmsghdr>.size, as: CInt.self)
            }
        }
        return (Array(bytes[..<count]), passed)
    }

    func nextText() throws -> String {
        String(decoding: try next().bytes, as: UTF8.self)
    }

    var isEmpty: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, CInt(MSG_DONTWAIT | MSG_PEEK)) < 0
    }
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/sipcall-systemd-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
