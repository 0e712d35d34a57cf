import Glibc
import Systemd
import Testing
import Wire

@Suite("sd_listen_fds(3) what the service manager hands over")
struct HandedOverTests {
    @Test("Descriptors come with their names, in order, and are announced to nobody else")
    func names() async {
        await #expect(processExitsWith: .exitCode(42)) {
            prepareDescriptors(["https", "call-7", "call-7"])
            let inherited = InheritedDescriptors.take()
            guard inherited.names == ["https", "call-7", "call-7"], getenv("LISTEN_FDS") == nil else { exit(1) }
            guard inherited.claim("call-7") == [4, 5], inherited.names == ["https"] else { exit(2) }
            guard inherited.claim("call-7") == [] else { exit(3) }
            guard fcntl(4, F_GETFD) & FD_CLOEXEC != 0 else { exit(4) }
            guard InheritedDescriptors.take().names.isEmpty else { exit(5) }
            exit(42)
        }
    }

    @Test("What was meant for another process is left alone")
    func otherProcess() async {
        await #expect(processExitsWith: .exitCode(42)) {
            prepareDescriptors(["https"], process: 1)
            guard InheritedDescriptors.take().names.isEmpty, fcntl(3, F_GETFD) >= 0 else { exit(1) }
            exit(42)
        }
    }

    @Test("An announcement that is not true yields nothing", arguments: ["1000000", "-1", "x", ""])
    func untrue(count: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [count] in
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("LISTEN_FDS", count, 1)
            exit(InheritedDescriptors.take().names.isEmpty ? 42 : 1)
        }
    }

    @Test("What nobody claims is closed with the last reference")
    func unclaimed() throws {
        var pipe: [CInt] = [0, 0]
        try #require(Glibc.pipe(&pipe) == 0)
        try #require(fcntl(pipe[0], F_SETFL, O_NONBLOCK) == 0)
        var inherited: InheritedDescriptors? = InheritedDescriptors([("a", pipe[1])])
        #expect(inherited?.names == ["a"])
        inherited = nil
        var byte: UInt8 = 0
        #expect(read(pipe[0], &byte, 1) == 0, "the writing end is closed")
        close(pipe[0])
    }

    @Test("A listening socket comes with its address")
    func listener() throws {
        let (tcp, port) = try listeningSocket()
        let sockets = ActivationSockets(InheritedDescriptors([("http", tcp)]))
        let listeners = try sockets.claim("http")
        #expect(listeners.map(\.descriptor) == [tcp])
        #expect(listeners.first?.address == NetworkAddress(host: .ipv4(0x7f00_0001), port: port))
        #expect(try sockets.claim("http").isEmpty, "claimed once")
        #expect(try sockets.claim("https").isEmpty)
        close(tcp)
    }

    @Test("A socket that does not listen is refused by its name, and closed")
    func notListening() throws {
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        let sockets = ActivationSockets(InheritedDescriptors([("http", ends[0])]))
        let problem = #expect(throws: Problem.self) { try sockets.claim("http") }
        #expect(problem?.code == "systemd.socket-kind")
        #expect(problem?.sentence.contains("http") == true)
        // The other end knows; the number may be somebody else's by now.
        #expect(send(ends[1], "x", 1, CInt(MSG_NOSIGNAL)) < 0)
    }

    @Test("The watchdog's interval is the one that was asked of this process")
    func interval() async {
        await #expect(processExitsWith: .exitCode(42)) {
            guard Watchdog.interval() == nil else { exit(1) }
            setenv("WATCHDOG_USEC", "2500000", 1)
            guard Watchdog.interval() == .milliseconds(2500) else { exit(2) }
            setenv("WATCHDOG_PID", "\(getpid())", 1)
            guard Watchdog.interval() == .milliseconds(2500) else { exit(3) }
            setenv("WATCHDOG_PID", "1", 1)
            guard Watchdog.interval() == nil else { exit(4) }
            unsetenv("WATCHDOG_PID")
            setenv("WATCHDOG_USEC", "soon", 1)
            guard Watchdog.interval() == nil else { exit(5) }
            exit(42)
        }
    }
}

/// Puts a socket on 3, 4, … and announces them to a process, this one by default.
private func prepareDescriptors(_ names: [String], process: pid_t = getpid()) {
    for index in names.indices {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard dup2(descriptor, 3 + CInt(index)) >= 0 else { exit(99) }
    }
    setenv("LISTEN_PID", "\(process)", 1)
    setenv("LISTEN_FDS", "\(names.count)", 1)
    setenv("LISTEN_FDNAMES", names.joined(separator: ":"), 1)
}

private func listeningSocket() throws -> (descriptor: CInt, port: UInt16) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                && getsockname(descriptor, $0, &length) == 0
        }
    }
    try #require(bound)
    return (descriptor, UInt16(bigEndian: address.sin_port))
}
