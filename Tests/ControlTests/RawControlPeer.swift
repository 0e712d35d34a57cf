import Control
import Dispatch
import Foundation
import Glibc
import Wire

/// A unix socket without any of our framing: what a confused or hostile client is made of.
final class RawControlPeer: Sendable {
    private let descriptor: Int32
    /// Blocking reads have a thread of their own: they would starve the pool that the tested code runs on.
    private let thread = DispatchQueue(label: "raw control peer")

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            for (index, byte) in path.utf8.enumerated() where index < target.count - 1 { target[index] = byte }
        }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw POSIXError(.ECONNREFUSED) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func send(_ request: ControlRequest) throws {
        send(try framed(request))
    }

    /// - Returns: nil at the end of the stream.
    func receive() async throws -> ControlResponse? {
        try await withCheckedThrowingContinuation { continuation in
            thread.async { continuation.resume(with: Result { try self.next() }) }
        }
    }

    private func next() throws -> ControlResponse? {
        guard let head = read(4) else { return nil }
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard let body = read(length) else { return nil }
        return try JSONDecoder().decode(ControlResponse.self, from: Data(body))
    }

    /// Whether the other side has closed within 5 s, whatever it sent before.
    var isCutOff: Bool {
        get async {
            await withCheckedContinuation { continuation in
                thread.async { continuation.resume(returning: self.readsTheEnd()) }
            }
        }
    }

    private func readsTheEnd() -> Bool {
        var byte = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &byte, byte.count, 0)
            if count == 0 { return true }
            if count < 0 { return errno == ECONNRESET }
        }
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var chunk = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got > 0 else { return nil }
            bytes += chunk.prefix(got)
        }
        return bytes
    }
}

func framed(_ request: ControlRequest) throws -> [UInt8] {
    framed(Array(try JSONEncoder().encode(request)))
}

func framed(_ json: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt32(json.count).bigEndian) { Array($0) } + json
}

/// Waits for a condition instead of sleeping; false after 10 s.
func eventually(_ condition: @Sendable () async -> Bool) async -> Bool {
    for _ in 0..<1000 {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
