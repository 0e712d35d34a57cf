import Testing
import Wire

@testable import Media

@Suite("Symmetric RTP: whose packets a trunk leg believes")
struct SourceLatchTests {
    /// `#expect` cannot call what mutates a value.
    private final class Probe {
        private var latch = SourceLatch()

        var destination: PacketPath? { latch.destination }

        func describe(_ remote: NetworkAddress, now: MonotonicTime) { latch.describe(remote, now: now) }

        func admits(_ path: PacketPath, now: MonotonicTime) -> Bool { latch.admits(path, now: now) }
    }

    private let carrier = address("203.0.113.5:20000")
    private let gateway = address("203.0.113.5:31000")
    private let stranger = address("198.51.100.9:4000")
    private let inside = address("10.0.0.8:4000")

    private static func address(_ text: String) -> PacketPath {
        PacketPath(
            remote: NetworkAddress(hostAndPort: text) ?? NetworkAddress(host: .ipv4(0), port: 1), local: nil)
    }

    private func at(_ milliseconds: Int) -> MonotonicTime { .zero + .milliseconds(milliseconds) }

    @Test("The signalled host may use any port, but only one at a time")
    func signalledHost() {
        let latch = Probe()
        latch.describe(carrier.remote, now: at(0))
        #expect(latch.destination?.remote == carrier.remote)
        #expect(latch.admits(gateway, now: at(10)))
        #expect(latch.destination == gateway)
        #expect(latch.admits(Self.address("203.0.113.5:31002"), now: at(20)) == false)
        #expect(latch.admits(carrier, now: at(30)))
        #expect(latch.admits(Self.address("203.0.113.5:31002"), now: at(600)))
    }

    @Test("A stranger is refused while the carrier may still speak, believed once after 500 ms of nothing")
    func strangers() {
        let latch = Probe()
        latch.describe(carrier.remote, now: at(0))
        #expect(!latch.admits(stranger, now: at(499)))
        #expect(latch.admits(stranger, now: at(500)))
        #expect(latch.destination?.remote == carrier.remote, "heard, but not told what is said here")
        #expect(!latch.admits(inside, now: at(5_000)))
        #expect(latch.admits(carrier, now: at(5_010)))
        #expect(!latch.admits(stranger, now: at(60_000)))
    }

    @Test("A private signalled address is not waited for")
    func privateAddress() {
        let latch = Probe()
        latch.describe(inside.remote, now: at(0))
        #expect(latch.admits(stranger, now: at(1)))
        #expect(latch.destination == stranger)
    }

    @Test("Early media from the first source is checked again when the description comes")
    func provisional() {
        let wrong = Probe()
        #expect(wrong.admits(stranger, now: at(0)))
        #expect(!wrong.admits(gateway, now: at(5)))
        wrong.describe(carrier.remote, now: at(10))
        #expect(!wrong.admits(stranger, now: at(20)))
        #expect(wrong.destination?.remote == carrier.remote)

        let right = Probe()
        #expect(right.admits(gateway, now: at(0)))
        right.describe(carrier.remote, now: at(10))
        #expect(right.destination == gateway)
        #expect(right.admits(gateway, now: at(20)))
    }
}
