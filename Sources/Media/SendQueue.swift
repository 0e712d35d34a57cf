import CLinux
import Glibc
import Wire

/// The datagrams that leave at the end of a batch, in order, with one `sendmmsg` for each run that goes
/// out of the same socket. Made once for each loop.
final class SendQueue {
    static let capacity = 64
    static let slotBytes = 2048
    /// What fits beside an RTP header and the longest SRTP tag.
    static let longestPayload = slotBytes - 12 - 32
    private static let controlBytes = 64

    private let slots: UnsafeMutableRawBufferPointer
    private let control: UnsafeMutableRawBufferPointer
    private let names: UnsafeMutableBufferPointer<sockaddr_storage>
    private let vectors: UnsafeMutableBufferPointer<iovec>
    private let headers: UnsafeMutableBufferPointer<mmsghdr>
    private let descriptors: UnsafeMutableBufferPointer<Int32>
    private var count = 0
    /// Datagrams that the kernel did not take.
    private(set) var refused: UInt64 = 0

    init() {
        slots = .allocate(byteCount: Self.capacity * Self.slotBytes, alignment: 64)
        control = .allocate(byteCount: Self.capacity * Self.controlBytes, alignment: 16)
        names = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: Self.capacity)
        headers = .allocate(capacity: Self.capacity)
        descriptors = .allocate(capacity: Self.capacity)
        slots.initializeMemory(as: UInt8.self, repeating: 0)
        control.initializeMemory(as: UInt8.self, repeating: 0)
        names.initialize(repeating: sockaddr_storage())
        vectors.initialize(repeating: iovec())
        headers.initialize(repeating: mmsghdr())
        descriptors.initialize(repeating: -1)
    }

    deinit {
        slots.deallocate()
        control.deallocate()
        names.deallocate()
        vectors.deallocate()
        headers.deallocate()
        descriptors.deallocate()
    }

    /// The next datagram's buffer, `slotBytes` long. It is not sent unless `commit` follows.
    func reserve() -> UnsafeMutableRawBufferPointer {
        if count == Self.capacity { flush() }
        let start = count * Self.slotBytes
        return UnsafeMutableRawBufferPointer(rebasing: slots[start..<start + Self.slotBytes])
    }

    /// The part of a slot behind a plain RTP header.
    static func payload(of slot: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: slot[12..<12 + longestPayload])
    }

    /// Queues the first `length` bytes of what `reserve` gave.
    func commit(_ length: Int, through socket: DatagramSocket.Handle, along path: PacketPath) {
        guard length > 0, length <= Self.slotBytes, socket.isIPv6 || !path.remote.isIPv6 else {
            refused &+= 1
            return
        }
        let (storage, nameLength) = path.remote.socketAddress(asIPv6: socket.isIPv6)
        names[count] = storage
        vectors[count] = iovec(
            iov_base: slots.baseAddress?.advanced(by: count * Self.slotBytes), iov_len: length)
        let controlStart = count * Self.controlBytes
        let room = UnsafeMutableRawBufferPointer(rebasing: control[controlStart..<controlStart + Self.controlBytes])
        var controlLength = 0
        if let local = path.local {
            controlLength = PacketInformation.write(local, asIPv6: socket.isIPv6, to: room)
        }
        headers[count].msg_len = 0
        headers[count].msg_hdr.msg_name = UnsafeMutableRawPointer(names.baseAddress?.advanced(by: count))
        headers[count].msg_hdr.msg_namelen = nameLength
        headers[count].msg_hdr.msg_iov = vectors.baseAddress?.advanced(by: count)
        headers[count].msg_hdr.msg_iovlen = 1
        headers[count].msg_hdr.msg_control = controlLength > 0 ? room.baseAddress : nil
        headers[count].msg_hdr.msg_controllen = controlLength
        headers[count].msg_hdr.msg_flags = 0
        descriptors[count] = socket.descriptor
        count += 1
    }

    /// Queues a copy of `bytes`.
    func send(_ bytes: UnsafeRawBufferPointer, through socket: DatagramSocket.Handle, along path: PacketPath) {
        guard bytes.count <= Self.slotBytes else {
            refused &+= 1
            return
        }
        reserve().copyMemory(from: bytes)
        commit(bytes.count, through: socket, along: path)
    }

    /// Hands everything to the kernel. What it does not take at once is lost, as on any network.
    func flush() {
        var start = 0
        while start < count {
            let descriptor = descriptors[start]
            var end = start + 1
            while end < count, descriptors[end] == descriptor { end += 1 }
            while start < end {
                let sent = sendmmsg(
                    descriptor, headers.baseAddress?.advanced(by: start), UInt32(end - start),
                    Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
                if sent > 0 {
                    start += Int(sent)
                } else if errno != EINTR {
                    // The first of the run was refused (no route, full buffer): it alone is given up.
                    refused &+= 1
                    start += 1
                }
            }
        }
        count = 0
    }
}
