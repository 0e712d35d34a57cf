import Foundation
import Glibc
import Systemd
import Testing
import Wire

@testable import Supervision

@Suite("What the watchdog's thread waits for")
struct WakeupTests {
    /// futex(2) with FUTEX_CLOCK_REALTIME: until a moment of the wall clock.
    #if arch(x86_64)
        private static let futex = 202
    #else
        private static let futex = 98
    #endif

    private static func waitsByTheWallClock(_ call: String) -> Bool {
        let words = call.split(separator: " ")
        guard words.count > 2, Int(words[0]) == futex, let operation = Int(words[2].dropFirst(2), radix: 16)
        else { return false }
        return operation & 256 != 0
    }

    @Test("No wait of a driver ends at a moment of the wall clock, which may be set back by hours")
    func clock() async throws {
        let driver = WatchdogDriver(interval: .seconds(2), parts: [], notifier: Notifier(socket: nil))
        try driver.start { _ in }
        defer { driver.stop() }
        var seen = 0
        let deadline = MonotonicTime.now() + .seconds(5)
        while seen < 20 {
            try #require(MonotonicTime.now() < deadline, "the thread was found waiting")
            for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
                let folder = "/proc/self/task/\(thread)"
                guard (try? String(contentsOfFile: "\(folder)/comm", encoding: .utf8)) == "watchdog\n",
                    let call = try? String(contentsOfFile: "\(folder)/syscall", encoding: .utf8), call != "running\n"
                else { continue }
                #expect(!Self.waitsByTheWallClock(call), "\(call)")
                seen += 1
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test("A signal before the wait counts, several are one, and without any the time is waited for")
    func signal() {
        let wakeup = Wakeup()
        for _ in 0..<3 { wakeup.signal() }
        let start = MonotonicTime.now()
        wakeup.wait(atMost: .seconds(60))
        #expect(MonotonicTime.now() - start < .seconds(10))
        let second = MonotonicTime.now()
        wakeup.wait(atMost: .milliseconds(30))
        #expect(MonotonicTime.now() - second >= .milliseconds(30))
        wakeup.wait(atMost: .zero - .seconds(1))
    }
}
