import Glibc
import Synchronization

/// Tells the service manager how this process does (sd_notify(3)).
///
/// Does nothing when the manager asked for nothing (`NOTIFY_SOCKET` is unset). Never blocks: each method answers
/// whether the manager has the message now. It takes hundreds of unread ones before it refuses any.
package final class Notifier: Sendable {
    /// Whether a manager listens.
    package let isSupervised: Bool
    private let sender: LocalDatagramSender?
    private let isReady = Atomic(false)

    /// For the socket that the environment names.
    package convenience init() {
        self.init(socket: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// - Parameter socket: an absolute path or an abstract name with `@`; nil: nobody listens.
    package init(socket: String?) {
        isSupervised = socket != nil
        sender = socket.flatMap(LocalDatagramSender.init(path:))
    }

    /// The service can be used.
    /// - Parameter status: see ``status(_:)``.
    @discardableResult
    package func ready(status: String? = nil) -> Bool {
        let isSent = send(["READY=1"] + (status.map { [Self.assignment(ofStatus: $0)] } ?? []))
        if isSent { isReady.store(true, ordering: .sequentiallyConsistent) }
        return isSent
    }

    /// - Parameter sentence: what `systemctl status` shows, one line without personal data.
    @discardableResult
    package func status(_ sentence: String) -> Bool {
        send([Self.assignment(ofStatus: sentence)])
    }

    /// The settings are being read again; ``reloaded()`` must follow. Tells the time, as systemd 253 wants it.
    ///
    /// Before ``ready(status:)`` nothing is said: the manager still waits for that, and would take the end of a reload for it.
    @discardableResult
    package func reloading() -> Bool {
        guard isReady.load(ordering: .sequentiallyConsistent) else { return true }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return send(["RELOADING=1", "MONOTONIC_USEC=\(Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)"])
    }

    /// The end of ``reloading()``.
    @discardableResult
    package func reloaded() -> Bool {
        isReady.load(ordering: .sequentiallyConsistent) ? send(["READY=1"]) : true
    }

    /// The service has begun to end.
    @discardableResult
    package func stopping() -> Bool {
        send(["STOPPING=1"])
    }

    /// The service is alive; ``Watchdog`` says when this is true.
    @discardableResult
    package func feedWatchdog() -> Bool {
        send(["WATCHDOG=1"])
    }

    // MARK: - Stored descriptors

    /// Gives the manager a duplicate of a descriptor, to be had back from ``InheritedDescriptors`` by the next
    /// process of this service, however this one ends. Several may have one name.
    ///
    /// It stays in the manager's store until ``forgetDescriptors(named:)`` or until the service is stopped: without
    /// `FDPOLL=0` a socket with a pending ICMP error would be thrown out.
    /// - Parameter name: 1 to 255 ASCII characters, no control character, no colon.
    /// - Returns: false as well for another name.
    @discardableResult
    package func store(_ descriptor: CInt, named name: String) -> Bool {
        guard Self.isDescriptorName(name) else { return false }
        return send(["FDSTORE=1", "FDNAME=\(name)", "FDPOLL=0"], passing: descriptor)
    }

    /// Takes every descriptor of this name out of the manager's store.
    @discardableResult
    package func forgetDescriptors(named name: String) -> Bool {
        guard Self.isDescriptorName(name) else { return false }
        return send(["FDSTOREREMOVE=1", "FDNAME=\(name)"])
    }

    private static func isDescriptorName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: ":") }
    }

    // MARK: - The message

    private func send(_ assignments: [String], passing descriptor: CInt? = nil) -> Bool {
        guard isSupervised else { return true }
        return sender?.send(Array(assignments.joined(separator: "\n").utf8), passing: descriptor) ?? false
    }

    /// A line break in the sentence would begin an assignment of its own.
    private static func assignment(ofStatus sentence: String) -> String {
        let line = sentence.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        return "STATUS=\(String(String.UnicodeScalarView(line.prefix(1000))))"
    }
}
