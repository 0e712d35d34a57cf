import CLinux
import Glibc
import Wire

/// Room for the datagrams of one `recvmmsg`, made once for each loop.
final class ReceiveBatch {
    static let capacity = 32
    /// Larger than any Ethernet datagram of these protocols; what is longer arrives truncated and is dropped.
    static let slotBytes = 2048
    static let controlBytes = 64

    private let slots: UnsafeMutableRawBufferPointer
    private let control: UnsafeMutableRawBufferPointer
    private let names: UnsafeMutableBufferPointer<sockaddr_storage>
    private let vectors: UnsafeMutableBufferPointer<iovec>
    private let headers: UnsafeMutableBufferPointer<mmsghdr>

    init() {
        slots = .allocate(byteCount: Self.capacity * Self.slotBytes, alignment: 64)
        control = .allocate(byteCount: Self.capacity * Self.controlBytes, alignment: 16)
        names = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: Self.capacity)
        headers = .allocate(capacity: Self.capacity)
        slots.initializeMemory(as: UInt8.self, repeating: 0)
        control.initializeMemory(as: UInt8.self, repeating: 0)
        names.initialize(repeating: sockaddr_storage())
        vectors.initialize(repeating: iovec())
        headers.initialize(repeating: mmsghdr())
        for index in 0..<Self.capacity {
            vectors[index].iov_base = slots.baseAddress?.advanced(by: index * Self.slotBytes)
            vectors[index].iov_len = Self.slotBytes
        }
    }

    deinit {
        slots.deallocate()
        control.deallocate()
        names.deallocate()
        vectors.deallocate()
        headers.deallocate()
    }

    /// - Returns: how many datagrams were waiting, 0...`capacity`.
    func receive(from descriptor: Int32) -> Int {
        for index in 0..<Self.capacity {
            headers[index].msg_hdr.msg_name = UnsafeMutableRawPointer(names.baseAddress?.advanced(by: index))
            headers[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
            headers[index].msg_hdr.msg_iov = vectors.baseAddress?.advanced(by: index)
            headers[index].msg_hdr.msg_iovlen = 1
            headers[index].msg_hdr.msg_control = control.baseAddress?.advanced(by: index * Self.controlBytes)
            headers[index].msg_hdr.msg_controllen = Self.controlBytes
            headers[index].msg_hdr.msg_flags = 0
        }
        let count = recvmmsg(descriptor, headers.baseAddress, UInt32(Self.capacity), Int32(MSG_DONTWAIT), nil)
        return max(0, Int(count))
    }

    /// The datagram, writable so that SRTP is unprotected in place; nil if it was longer than a slot.
    func datagram(_ index: Int) -> UnsafeMutableRawBufferPointer? {
        guard headers[index].msg_hdr.msg_flags & Int32(MSG_TRUNC) == 0 else { return nil }
        let start = index * Self.slotBytes
        let length = min(Int(headers[index].msg_len), Self.slotBytes)
        return UnsafeMutableRawBufferPointer(rebasing: slots[start..<start + length])
    }

    /// nil for a sender that is not IP.
    func path(_ index: Int) -> PacketPath? {
        guard let remote = NetworkAddress(names[index]), remote.port != 0 else { return nil }
        return PacketPath(remote: remote, local: PacketInformation.read(controlMessages(index)))
    }

    private func controlMessages(_ index: Int) -> UnsafeRawBufferPointer {
        let start = index * Self.controlBytes
        let length = min(Int(headers[index].msg_hdr.msg_controllen), Self.controlBytes)
        return UnsafeRawBufferPointer(rebasing: control[start..<start + length])
    }
}
