import Glibc
import SecureMedia
import Wire

/// A server, a client and a seeded network between them that loses, delays, reorders and doubles datagrams.
///
/// Runs on the real clock, because OpenSSL's timers do.
final class HandshakePair {
    struct Network {
        /// Of 100 datagrams.
        var lost = 0
        var doubled = 0
        var longestDelay = Duration.zero
    }

    let server: DTLSServer
    let client: DTLSClient
    private var generator: SeededGenerator
    private let network: Network
    private var underway: [(due: MonotonicTime, toServer: Bool, bytes: [UInt8])] = []
    /// Called for each datagram before the network; false loses it. Index counts from 0 in each direction.
    var passes: (_ toServer: Bool, _ index: Int, _ bytes: [UInt8]) -> Bool = { _, _, _ in true }
    private var counts = (toServer: 0, toClient: 0)
    private(set) var sentToServer: [[UInt8]] = []

    init(server: DTLSServer, client: DTLSClient, seed: UInt64 = 1, network: Network = Network()) {
        self.server = server
        self.client = client
        self.network = network
        generator = SeededGenerator(seed: seed)
        client.start()
    }

    /// A pair whose fingerprints are right.
    static func make(
        box: DTLSIdentity, browser: DTLSIdentity, options: DTLSClient.Options = .init(), seed: UInt64 = 1,
        network: Network = Network()
    ) throws -> HandshakePair {
        let server = try DTLSServer(
            identity: box, fingerprintAlgorithm: "sha-256", peerFingerprint: browser.fingerprint)
        return HandshakePair(
            server: server, client: try DTLSClient(identity: browser, options: options), seed: seed, network: network)
    }

    var isDone: Bool { server.state == .connected && client.finished }

    func toServer(_ bytes: [UInt8], now: MonotonicTime) {
        bytes.withUnsafeBytes { datagram in
            server.receive(datagram, now: now) { enqueue(Array($0), toServer: false, now: now) }
        }
    }

    private func enqueue(_ bytes: [UInt8], toServer: Bool, now: MonotonicTime) {
        let index = toServer ? counts.toServer : counts.toClient
        if toServer {
            counts.toServer += 1
            sentToServer.append(bytes)
        } else {
            counts.toClient += 1
        }
        guard passes(toServer, index, bytes) else { return }
        for _ in 0..<(Int.random(in: 0..<100, using: &generator) < network.doubled ? 2 : 1) {
            guard Int.random(in: 0..<100, using: &generator) >= network.lost else { continue }
            let delay = Int64.random(in: 0...network.longestDelay.nanoseconds, using: &generator)
            underway.append((now + .nanoseconds(delay), toServer, bytes))
        }
    }

    /// Does what is due now, once.
    func step(now: MonotonicTime) {
        for datagram in client.takeOutput() {
            enqueue(datagram, toServer: true, now: now)
        }
        let due = underway.filter { $0.due <= now }.sorted { $0.due < $1.due }
        underway.removeAll { $0.due <= now }
        for datagram in due {
            if datagram.toServer {
                toServer(datagram.bytes, now: now)
            } else {
                client.receive(datagram.bytes)
            }
        }
        client.timePassed()
        if let deadline = server.nextDeadline, deadline <= now {
            server.advance(to: now) { enqueue(Array($0), toServer: false, now: now) }
        }
    }

    /// Steps until `condition` or until `patience` is over.
    /// - Returns: how long it took; nil if the condition never became true.
    @discardableResult
    func run(for patience: Duration = .seconds(5), until condition: () -> Bool) -> Duration? {
        let start = MonotonicTime.now()
        while true {
            let now = MonotonicTime.now()
            step(now: now)
            if condition() { return now - start }
            if now - start > patience { return nil }
            let busy = !underway.isEmpty && network.longestDelay == .zero
            if !busy { usleep(200) }
        }
    }
}
