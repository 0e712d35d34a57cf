import Glibc
import Systemd
import Testing

@Suite("sd_notify(3) what the service manager is told")
struct NotifierTests {
    @Test("Each notice is one datagram of assignments", arguments: [false, true])
    func notices(abstract: Bool) throws {
        let manager = try DatagramReceiver(abstract: abstract)
        let notifier = Notifier(socket: manager.path)
        #expect(notifier.isSupervised)
        #expect(notifier.ready())
        #expect(try manager.nextText() == "READY=1")
        #expect(notifier.ready(status: "Telnyx registered, 2 calls"))
        #expect(try manager.nextText() == "READY=1\nSTATUS=Telnyx registered, 2 calls")
        #expect(notifier.status("No provider is set up"))
        #expect(try manager.nextText() == "STATUS=No provider is set up")
        #expect(notifier.feedWatchdog())
        #expect(try manager.nextText() == "WATCHDOG=1")
        #expect(notifier.stopping())
        #expect(try manager.nextText() == "STOPPING=1")
    }

    @Test("Reloading tells the moment on the monotonic clock")
    func reloading() throws {
        let manager = try DatagramReceiver()
        let before = Self.monotonicMicroseconds()
        let notifier = Notifier(socket: manager.path)
        notifier.ready()
        _ = try manager.nextText()
        notifier.reloading()
        let lines = try manager.nextText().split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let time = try #require(lines.last?.split(separator: "=").last.flatMap { Int64($0) })
        #expect(time >= before && time <= Self.monotonicMicroseconds())
    }

    @Test("A reload before the service is ready does not make it so")
    func earlyReload() throws {
        let manager = try DatagramReceiver()
        let notifier = Notifier(socket: manager.path)
        notifier.reloading()
        notifier.reloaded()
        notifier.ready(status: "here")
        #expect(try manager.nextText() == "READY=1\nSTATUS=here")
        notifier.reloading()
        #expect(try manager.nextText().hasPrefix("RELOADING=1"))
        notifier.reloaded()
        #expect(try manager.nextText() == "READY=1")
    }

    @Test("A status cannot smuggle in another assignment")
    func statusInjection() throws {
        let manager = try DatagramReceiver()
        Notifier(socket: manager.path).status("Telnyx\nMAINPID=1\u{0}\u{85} registered")
        #expect(try manager.nextText() == "STATUS=Telnyx MAINPID=1   registered")
    }

    @Test("Without a manager every notice does nothing and is a success")
    func noManager() {
        let notifier = Notifier(socket: nil)
        #expect(!notifier.isSupervised)
        #expect(notifier.ready(status: "x"))
        #expect(notifier.feedWatchdog())
        #expect(notifier.store(0, named: "x"))
    }

    @Test(
        "A manager that cannot be reached is told of",
        arguments: ["", "/", "relative", "/nonexistent/socket", "vsock:2:1", "/" + String(repeating: "x", count: 108)])
    func unreachable(path: String) {
        #expect(!Notifier(socket: path).ready())
    }

    @Test("A manager that does not read makes nobody wait")
    func doesNotBlock() throws {
        let manager = try DatagramReceiver()
        let notifier = Notifier(socket: manager.path)
        var accepted = 0
        while accepted < 100_000, notifier.feedWatchdog() { accepted += 1 }
        #expect(accepted > 0 && accepted < 100_000)
        _ = try manager.next()
        #expect(notifier.feedWatchdog(), "it goes on as soon as there is room")
    }

    @Test("A stored descriptor arrives as a duplicate under its name, kept whatever its state")
    func storing() throws {
        let manager = try DatagramReceiver()
        let notifier = Notifier(socket: manager.path)
        var pipe: [CInt] = [0, 0]
        try #require(Glibc.pipe(&pipe) == 0)
        #expect(notifier.store(pipe[1], named: "call-1"))
        close(pipe[1])
        let (bytes, passed) = try manager.next()
        #expect(String(decoding: bytes, as: UTF8.self) == "FDSTORE=1\nFDNAME=call-1\nFDPOLL=0")
        let copy = try #require(passed)
        #expect(write(copy, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(pipe[0], &byte, 1) == 1 && byte == UInt8(ascii: "x"))
        close(copy)
        close(pipe[0])

        #expect(notifier.forgetDescriptors(named: "call-1"))
        #expect(try manager.nextText() == "FDSTOREREMOVE=1\nFDNAME=call-1")
    }

    @Test(
        "A name that the manager would not take is not sent",
        arguments: ["", "a:b", "a\nFDSTORE=1", "ü", String(repeating: "n", count: 256)])
    func names(name: String) throws {
        let manager = try DatagramReceiver()
        let notifier = Notifier(socket: manager.path)
        #expect(!notifier.store(0, named: name))
        #expect(!notifier.forgetDescriptors(named: name))
        #expect(manager.isEmpty)
    }

    private static func monotonicMicroseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }
}
