import COpenSSL

/// The network as one SSL object sees it: at most one datagram in, a list of datagrams out.
///
/// A BIO of our own instead of OpenSSL's memory BIOs, because those join separate writes into one stream.
final class DatagramPort {
    /// What the peer's certificate must be; read by `verifyPeer`.
    let expected: ExpectedFingerprint
    /// The certificate came and was another one.
    var mismatched = false

    /// The datagram that the next read gets; valid only during one call into OpenSSL.
    private var incoming: UnsafeRawBufferPointer?
    private var outgoing: [UInt8] = []
    /// Where each datagram in `outgoing` ends.
    private var ends: [Int] = []

    init(expected: ExpectedFingerprint) {
        self.expected = expected
    }

    var hasOutput: Bool { !ends.isEmpty }

    /// The newest datagram that waits to be sent.
    var latestOutput: [UInt8] {
        guard let end = ends.last else { return [] }
        let start = ends.dropLast().last ?? 0
        return Array(outgoing[start..<end])
    }

    /// Lets OpenSSL read `datagram` during `body`, and never later.
    func offering<Result>(_ datagram: UnsafeRawBufferPointer, _ body: () -> Result) -> Result {
        incoming = datagram
        defer { incoming = nil }
        return body()
    }

    func discardOutput() {
        outgoing.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Hands each waiting datagram to `send`, in order.
    func flush(_ send: (UnsafeRawBufferPointer) -> Void) {
        guard hasOutput else { return }
        outgoing.withUnsafeBytes { bytes in
            var start = 0
            for end in ends {
                send(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
        discardOutput()
    }

    /// A datagram longer than `room` is cut, as a socket would.
    fileprivate func read(_ target: UnsafeMutableRawPointer, room: Int) -> Int? {
        guard let datagram = incoming else { return nil }
        incoming = nil
        let count = min(room, datagram.count)
        if let source = datagram.baseAddress {
            target.copyMemory(from: source, byteCount: count)
        }
        return count
    }

    /// Puts a datagram behind those that wait to be sent; an empty one is none.
    func write(_ datagram: some Collection<UInt8>) {
        guard !datagram.isEmpty else { return }
        outgoing.append(contentsOf: datagram)
        ends.append(outgoing.count)
    }
}

// The BIO that leads to a port.
extension DatagramPort {
    /// BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY
    private static let retryFlags: Int32 = 0x0f
    /// BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY
    private static let retryRead: Int32 = 0x09

    /// The table of functions for `makeBIO`; the caller frees it, after every BIO made of it.
    static func makeMethod() -> OpaquePointer? {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram port") else { return nil }
        BIO_meth_set_read(method) { bio, target, room in
            BIO_clear_flags(bio, DatagramPort.retryFlags)
            guard let target, room > 0,
                let count = DatagramPort.behind(bio)?.read(UnsafeMutableRawPointer(target), room: Int(room))
            else {
                BIO_set_flags(bio, DatagramPort.retryRead)
                return -1
            }
            return Int32(truncatingIfNeeded: count)
        }
        BIO_meth_set_write(method) { bio, source, count in
            BIO_clear_flags(bio, DatagramPort.retryFlags)
            guard let source, count > 0, let port = DatagramPort.behind(bio) else { return -1 }
            port.write(UnsafeRawBufferPointer(start: source, count: Int(count)))
            return count
        }
        // Anything but 0 for what is not known makes OpenSSL believe in MTU questions and their answers.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }

    /// A BIO that does not keep the port alive: its owner frees the SSL object first.
    func makeBIO(_ method: OpaquePointer) -> OpaquePointer? {
        guard let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private static func behind(_ bio: OpaquePointer?) -> DatagramPort? {
        guard let bio, let data = BIO_get_data(bio) else { return nil }
        return Unmanaged<DatagramPort>.fromOpaque(data).takeUnretainedValue()
    }
}
