import Glibc
import SIPTransport
import Wire

/// A TCP client of the kernel's own: what a peer can do that our own code would never do.
final class RawConnection: Sendable {
    let descriptor: CInt

    /// - Parameters:
    ///   - from: the address to come from; any of 127/8 will do.
    ///   - waits: until the connection stands.
    init?(to address: NetworkAddress, from source: NetworkAddress.Host? = nil, waits: Bool = true) {
        descriptor = socket(
            address.isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        if let source, !call(NetworkAddress(host: source, port: 0), bind) { return nil }
        if !waits { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        guard call(address, connect) || !waits else { return nil }
    }

    deinit {
        Glibc.close(descriptor)
    }

    private func call(
        _ address: NetworkAddress, _ body: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> Bool {
        var (storage, length) = address.socketAddress()
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0, length) == 0 }
        }
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
    }

    /// As much as the kernel takes without waiting.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
    }

    func finish() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Ends with RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        var nothing = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        connect(descriptor, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
    }

    enum End: Equatable {
        case closed, reset, waiting
    }

    /// What comes until the other side ends, or `isEnough`, at most 30 s.
    func receive(within limit: Duration = .seconds(30), until isEnough: (String) -> Bool) async -> (
        text: String, end: End
    ) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let deadline = MonotonicTime.now() + limit
        while MonotonicTime.now() < deadline {
            let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            if count == 0 { return (String(decoding: bytes, as: UTF8.self), .closed) }
            if count > 0 {
                bytes += buffer[..<count]
                if isEnough(String(decoding: bytes, as: UTF8.self)) { break }
                continue
            }
            if errno != EAGAIN { return (String(decoding: bytes, as: UTF8.self), .reset) }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return (String(decoding: bytes, as: UTF8.self), .waiting)
    }
}

/// Waits until something holds, at most 30 s.
func eventually(within limit: Duration = .seconds(30), _ condition: () async -> Bool) async -> Bool {
    let deadline = MonotonicTime.now() + limit
    while MonotonicTime.now() < deadline {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return await condition()
}
