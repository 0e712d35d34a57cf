import ICE
import RTP
import SDP
import SecureMedia
import Wire

@testable import Media

/// A browser made of the rooms themselves: connectivity checks, a DTLS client, SRTP, on one socket.
final class TestBrowser {
    static let opus: UInt8 = 111
    static let identity = try? DTLSIdentity()

    let leg: LegIdentifier
    let socket: TestSocket
    let box: ICECredentials
    let own: ICECredentials
    /// Another one after the box has started anew.
    var port: UInt16
    private let dtls: DTLSClient
    private(set) var srtp: SRTPSession?
    private(set) var answeredChecks = 0
    private(set) var heard: [HeardPacket] = []
    private(set) var reports: [[UInt8]] = []
    private var sequence: UInt16 = 65_530
    private var timestamp: UInt32 = 0xffff_0000
    var ssrc: UInt32 = 0xb405_0001
    private var generator = SeededGenerator(seed: 7)

    init(
        _ leg: UInt64, engine: MediaEngine, codecs: [AudioCodec] = [.opus, .pcmu, .pcma], socket: TestSocket? = nil
    ) throws {
        self.leg = LegIdentifier(number: leg)
        var random = SystemRandomNumberGenerator()
        self.socket = try socket ?? TestSocket()
        box = ICECredentials(using: &random)
        own = ICECredentials(using: &random)
        port = engine.browserPort
        guard let identity = Self.identity, let client = DTLSClient(identity: identity),
            let fingerprint = Fingerprint(algorithm: identity.fingerprintAlgorithm, bytes: identity.fingerprint)
        else { throw Problem(code: "test", sentence: "No DTLS client.") }
        dtls = client
        let formats = codecs.map { AudioFormat(codec: $0, payloadType: $0.staticPayloadType ?? Self.opus) }
        engine.openBrowserLeg(
            self.leg, local: box, remote: own, remoteFingerprint: fingerprint,
            audio: BrowserAudio(
                formats: formats, telephoneEvents: [48_000: 110, 8_000: 126]),
            ssrc: 0xb0c5_0000 | UInt32(truncatingIfNeeded: leg), cname: "box")
    }

    var isConnected: Bool { srtp != nil }
    var isClosedByBox: Bool { dtls.isClosedByServer }

    func check(nominate: Bool = true, password: String? = nil) {
        socket.send(makeCheck(nominate: nominate, password: password), to: port)
    }

    func makeCheck(nominate: Bool = true, password: String? = nil) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = buffer.withUnsafeMutableBytes { bytes -> Int in
            do throws(WireError) {
                let transaction = STUNMessage.TransactionIdentifier(
                    high: UInt32.random(in: 0...(.max), using: &generator),
                    low: UInt64.random(in: 0...(.max), using: &generator))
                var writer = try STUNWriter(bytes, .request, transaction: transaction)
                try writer.username("\(box.usernameFragment):\(own.usernameFragment)")
                try writer.priority(1_853_824_767)
                try writer.controlling(42)
                if nominate { try writer.useCandidate() }
                return try writer.finish(key: STUNKey(password: password ?? box.password.revealed))
            } catch {
                return 0
            }
        }
        return Array(buffer[..<length])
    }

    func startHandshake() {
        dtls.start()
        flushHandshake()
    }

    private func flushHandshake() {
        for datagram in dtls.takeOutput() { socket.send(datagram, to: port) }
    }

    func pump() {
        for datagram in socket.receive() { take(datagram) }
    }

    private func take(_ datagram: [UInt8]) {
        switch datagram.withUnsafeBytes({ PacketKind($0) }) {
        case .stun:
            answeredChecks += 1
        case .dtls:
            dtls.receive(datagram)
            flushHandshake()
            if dtls.isFinished, srtp == nil, let keys = dtls.keys() {
                srtp = try? SRTPSession(keys: keys, side: .client)
            }
        case .rtp:
            if let packet = unprotect(datagram, isRTCP: false).flatMap(HeardPacket.init) { heard.append(packet) }
        case .rtcp:
            if let report = unprotect(datagram, isRTCP: true) { reports.append(report) }
        case nil:
            break
        }
    }

    private func unprotect(_ datagram: [UInt8], isRTCP: Bool) -> [UInt8]? {
        var bytes = datagram
        let length = bytes.withUnsafeMutableBytes { buffer in
            isRTCP
                ? try? srtp?.unprotectRTCP(buffer, length: buffer.count)
                : try? srtp?.unprotectRTP(buffer, length: buffer.count)
        }
        return length.map { Array(bytes[..<$0]) }
    }

    func protect(_ packet: [UInt8]) -> [UInt8] {
        var bytes = packet + [UInt8](repeating: 0, count: 32)
        let length = bytes.withUnsafeMutableBytes { try? srtp?.protectRTP($0, length: packet.count) } ?? 0
        return Array(bytes[..<length])
    }

    func nextPacket(_ payload: [UInt8], as payloadType: UInt8, ticks: UInt32, marker: Bool = false) -> [UInt8] {
        defer {
            sequence &+= 1
            timestamp &+= ticks
        }
        return protect(
            rtpPacket(
                payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc, marker: marker, payload))
    }

    func say(_ payload: [UInt8], as payloadType: UInt8, ticks: UInt32) {
        socket.send(nextPacket(payload, as: payloadType, ticks: ticks), to: port)
    }

    /// Loses the next packet on its way.
    func skip(ticks: UInt32) {
        sequence &+= 1
        timestamp &+= ticks
    }

    /// As Chromium does it: 20 ms packets, three ends, timestamps of the event's beginning.
    func press(_ digit: Character, as payloadType: UInt8, clockRate: Int, onlyEnd: Bool = false) {
        let code = TelephoneEvent.code(for: digit) ?? 0
        for step in (onlyEnd ? 5 : 1)...7 {
            let event = TelephoneEvent(
                event: code, isEnd: step >= 5, duration: UInt16(min(step, 5) * clockRate / 50))
            var payload = [UInt8](repeating: 0, count: 4)
            payload.withUnsafeMutableBytes { _ = try? event.write(into: $0) }
            socket.send(nextPacket(payload, as: payloadType, ticks: 0, marker: step == 1 || onlyEnd), to: port)
        }
        skip(ticks: UInt32(clockRate / 10))
        sequence &-= 1
    }

    func forget() { heard = [] }
}
