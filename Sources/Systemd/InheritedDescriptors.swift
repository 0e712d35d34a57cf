import CSystemd
import Glibc
import Synchronization

/// The descriptors that the service manager handed to this process: listening sockets of its `.socket` units, and
/// what a former process of the service had stored (``Notifier/store(_:named:)``).
///
/// Each belongs to whoever claims it. What nobody claims is closed with the last reference.
package final class InheritedDescriptors: Sendable {
    private let unclaimed: Mutex<[(name: String, descriptor: CInt)]>

    /// Takes over what the environment announces and removes the announcement (sd_listen_fds_with_names(3)).
    ///
    /// Changes the environment: call it once, at the start, before there are other threads.
    package static func take() -> InheritedDescriptors {
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = Int(sd_listen_fds_with_names(1, &list))
        defer {
            if let list {
                for index in 0..<max(0, count) { free(list[index]) }
                free(list)
            }
        }
        guard count > 0, let list else { return InheritedDescriptors([]) }
        return InheritedDescriptors(
            (0..<count).map { index in
                (list[index].map { String(cString: $0) } ?? "unknown", SD_LISTEN_FDS_START + CInt(index))
            })
    }

    /// - Parameter descriptors: owned from now on.
    package init(_ descriptors: [(name: String, descriptor: CInt)]) {
        unclaimed = Mutex(descriptors)
    }

    deinit {
        unclaimed.withLock { list in
            for entry in list { close(entry.descriptor) }
        }
    }

    /// The names of what nobody has claimed yet, in the manager's order; a name may occur several times.
    package var names: [String] {
        unclaimed.withLock { $0.map(\.name) }
    }

    /// - Returns: every descriptor of this name, which the caller owns from now on; close-on-exec is set.
    package func claim(_ name: String) -> [CInt] {
        unclaimed.withLock { list in
            defer { list.removeAll { $0.name == name } }
            return list.filter { $0.name == name }.map(\.descriptor)
        }
    }
}
