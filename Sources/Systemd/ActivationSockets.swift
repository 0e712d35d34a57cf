import CSystemd
import Glibc
package import Wire

/// The listening sockets that came from `.socket` units, by their `FileDescriptorName=`.
package struct ActivationSockets: Sendable {
    /// A socket that connections can be accepted from.
    package struct Listener: Hashable, Sendable {
        /// Owned by whoever has it; non-blocking or not, as the unit says.
        package var descriptor: CInt
        /// nil for a Unix socket.
        package var address: NetworkAddress?
    }

    private let inherited: InheritedDescriptors

    package init(_ inherited: InheritedDescriptors) {
        self.inherited = inherited
    }

    /// - Returns: the listeners of this name, owned by the caller; none when no unit hands any over.
    /// - Throws: `systemd.socket-kind` when one of them does not take connections; all of that name are closed then.
    package func claim(_ name: String) throws(Problem) -> [Listener] {
        let descriptors = inherited.claim(name)
        guard descriptors.allSatisfy({ sd_is_socket($0, AF_UNSPEC, CInt(SOCK_STREAM.rawValue), 1) > 0 }) else {
            for descriptor in descriptors { close(descriptor) }
            throw Problem(
                code: "systemd.socket-kind",
                sentence: "The socket \(name) that systemd handed over does not take connections.",
                remedy: "Name it with ListenStream= and Accept=no in its socket unit.")
        }
        return descriptors.map { Listener(descriptor: $0, address: Self.address(of: $0)) }
    }

    private static func address(of descriptor: CInt) -> NetworkAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? NetworkAddress(storage) : nil
    }
}
