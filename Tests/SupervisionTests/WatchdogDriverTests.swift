import Dispatch
import Glibc
import Supervision
import Synchronization
import Systemd
import Testing
import Wire

/// What a driver did, seen from outside.
private final class Witness: Sendable {
    let news = Mutex<[WatchdogDriver.News]>([])

    func wait(_ what: String, until holds: ([WatchdogDriver.News]) -> Bool) async throws {
        let deadline = MonotonicTime.now() + .seconds(5)
        while !news.withLock({ holds($0) }) {
            try #require(MonotonicTime.now() < deadline, "\(what): \(news.withLock { $0 })")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

@Suite("The thread that drives the watchdog")
struct WatchdogDriverTests {
    private static let full = Problem(code: "x.full", sentence: "Full.")

    @Test("A part that blocks its own thread for good is named, the others go on being asked, and nothing is fed")
    func hang() async throws {
        let manager = try Manager()
        let asked = Atomic(0)
        let released = DispatchSemaphore(value: 0)
        let witness = Witness()
        let driver = WatchdogDriver(
            interval: .milliseconds(200),
            parts: [
                WatchdogDriver.Part(.init(part: "stuck", deadline: .milliseconds(300))) { answer in
                    _ = OwnThread.start(named: "stuck") {
                        released.wait()
                        answer(.passed)
                        released.signal()
                    }
                },
                WatchdogDriver.Part(.init(part: "well", deadline: .milliseconds(300))) { answer in
                    asked.add(1, ordering: .relaxed)
                    answer(.passed)
                },
            ], notifier: Notifier(socket: manager.path))
        try driver.start { news in witness.news.withLock { $0.append(news) } }
        try await witness.wait("the hung part") {
            if case .hung("stuck", let problem)? = $0.first { problem.code == "watchdog.part-hung" } else { false }
        }
        let fed = manager.feeds()
        #expect(fed > 0, "fed until the part's time was over")
        let before = asked.load(ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(300))
        #expect(asked.load(ordering: .relaxed) > before, "the others are still asked")
        #expect(manager.feeds() == 0)
        released.signal()
        try await witness.wait("the answer after all") {
            if case .answeredAfterAll("stuck", _)? = $0.last { true } else { false }
        }
        let deadline = MonotonicTime.now() + .seconds(5)
        while manager.feeds() == 0 { try #require(MonotonicTime.now() < deadline, "fed again") }
        driver.stop()
    }

    @Test("A failure is told once, shown until it is mended, and never withholds the feed")
    func failure() async throws {
        let manager = try Manager()
        let isFull = Atomic(true)
        let witness = Witness()
        let driver = WatchdogDriver(
            interval: .milliseconds(80),
            parts: [
                WatchdogDriver.Part(.init(part: "storage", deadline: .seconds(1))) { answer in
                    answer(isFull.load(ordering: .relaxed) ? .failed(Self.full) : .passed)
                }
            ], notifier: Notifier(socket: manager.path))
        try driver.start { news in witness.news.withLock { $0.append(news) } }
        try await witness.wait("the failure") { !$0.isEmpty }
        #expect(driver.degraded.map(\.part) == ["storage"] && driver.degraded.map(\.problem) == [Self.full])
        _ = manager.feeds()
        try await Task.sleep(for: .milliseconds(200))
        #expect(manager.feeds() >= 2)
        #expect(witness.news.withLock { $0 } == [.degraded(part: "storage", Self.full)])
        isFull.store(false, ordering: .relaxed)
        try await witness.wait("the mending") { $0.last == .mended(part: "storage") }
        #expect(driver.degraded.isEmpty)
        driver.stop()
    }
}

/// A service manager's end of the notification socket.
private final class Manager {
    let path: String
    private let descriptor: CInt

    init() throws {
        path = "@sipcall-watchdog-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { field in
            field.copyBytes(from: name)
            field[0] = 0
        }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(2 + name.count)) }
        }
        try #require(bound == 0)
    }

    deinit {
        close(descriptor)
    }

    /// How often the watchdog was fed since the last look.
    func feeds() -> Int {
        var count = 0
        var bytes = [UInt8](repeating: 0, count: 1024)
        while true {
            let length = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
            guard length > 0 else { return count }
            if bytes[..<length].elementsEqual("WATCHDOG=1".utf8) { count += 1 }
        }
    }
}
