// A release build finds the kinds of sockets only there.
import CLinux
import Dispatch
import Glibc

/// Tells when addresses or routes of this machine come or go (rtnetlink(7)): a new lease, a cable pulled, a modem that dialled
/// in again.
///
/// What exactly changed is not read: whoever is told looks up its own route. Several changes of one event come together.
package final class AddressWatch: @unchecked Sendable {
    /// For one reader: one element for one or more changes. Ends with the watch.
    package let changes: AsyncStream<Void>

    /// Changes come in bursts: the address, its routes, the neighbours. The last of them counts.
    static let settling = DispatchTimeInterval.milliseconds(200)
    /// Of linux/rtnetlink.h: RTMGRP_IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
    private static let groups: UInt32 = 0x10 | 0x40 | 0x100 | 0x400
    private static let family = CInt(16)  // AF_NETLINK; protocol 0 is NETLINK_ROUTE

    private let source: any DispatchSourceRead

    /// - Returns: nil where the kernel or a sandbox has no netlink for us.
    package init?() {
        let descriptor = socket(
            Self.family, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        guard Self.subscribe(descriptor) else {
            close(descriptor)
            return nil
        }
        let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.changes = changes
        let queue = DispatchQueue(label: "addresses")
        let pending = Pending()
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler {
            Self.discard(descriptor)
            guard !pending.isScheduled else { return }
            pending.isScheduled = true
            queue.asyncAfter(deadline: .now() + Self.settling) {
                pending.isScheduled = false
                continuation.yield()
            }
        }
        source.setCancelHandler {
            close(descriptor)
            continuation.finish()
        }
        source.activate()
    }

    deinit {
        source.cancel()
    }

    package func stop() {
        source.cancel()
    }

    /// Touched on the watch's queue only.
    private final class Pending: @unchecked Sendable {
        var isScheduled = false
    }

    /// `sockaddr_nl`: family, padding, port 0 (the kernel chooses), groups.
    private static func subscribe(_ descriptor: CInt) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 12, alignment: MemoryLayout<sockaddr>.alignment) { address in
            address.initializeMemory(as: UInt8.self, repeating: 0)
            address.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
            address.storeBytes(of: groups, toByteOffset: 8, as: UInt32.self)
            guard let base = address.baseAddress else { return false }
            return bind(descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count)) == 0
        }
    }

    /// Reads away what waits. ENOBUFS means that more happened than was kept, which is a change all the same.
    private static func discard(_ descriptor: CInt) {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { buffer in
            for _ in 0..<64 {
                if recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT)) >= 0 { continue }
                guard errno == ENOBUFS || errno == EINTR else { return }
            }
        }
    }
}
