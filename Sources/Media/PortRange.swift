import CLinux
import Glibc
import Wire

/// Finds a free pair of ports for RTP and RTCP: an even one and the odd one above it (RFC 3550 §11).
///
/// The kernel is the table of what is taken: a pair is free when both sockets can be bound. The search
/// starts at a random pair, so that an address reused at once does not hear the last call's stragglers
/// and a stranger cannot guess the next port.
struct PortRange: Sendable {
    private let firstEven: UInt32
    /// How many pairs there are.
    let pairs: UInt32
    /// A range of thousands of taken ports is given up after so many tries.
    static let maximumTries: UInt32 = 4096

    init(_ ports: ClosedRange<UInt16>) {
        let first = (UInt32(ports.lowerBound) + 1) & ~1
        let last = UInt32(ports.upperBound)
        firstEven = first
        pairs = last > first ? (last - first + 1) / 2 : 0
    }

    /// The even port of a pair, counted from 0 and wrapping.
    func evenPort(_ index: UInt32) -> UInt16 {
        UInt16(truncatingIfNeeded: firstEven + 2 * (index % max(pairs, 1)))
    }

    /// - Throws: `media.no-free-port` when no pair is free, or the reason why the address cannot be bound.
    func open(
        on host: NetworkAddress.Host, using generator: inout some RandomNumberGenerator
    ) throws(Problem) -> (rtp: DatagramSocket, rtcp: DatagramSocket) {
        guard pairs > 0 else { throw Self.exhausted }
        let start = UInt32.random(in: 0..<pairs, using: &generator)
        for step in 0..<min(pairs, Self.maximumTries) {
            let port = evenPort(start + step)
            do {
                let rtp = try DatagramSocket(NetworkAddress(host: host, port: port))
                let rtcp = try DatagramSocket(NetworkAddress(host: host, port: port + 1))
                return (rtp, rtcp)
            } catch {
                guard error.errno == EADDRINUSE || error.errno == EACCES else { throw error.problem }
            }
        }
        throw Self.exhausted
    }

    private static let exhausted = Problem(
        code: "media.no-free-port", sentence: "No pair of UDP ports is free for the telephone side of a call.",
        remedy: "Widen media.ports in sipcall.toml, or end some calls.")
}
