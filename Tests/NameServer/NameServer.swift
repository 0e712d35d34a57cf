// A release build finds the kinds of sockets only there.
import CLinux
import Glibc
import Synchronization

/// An authoritative name server on the loopback interface, for tests: it answers over UDP what it was told, in a message of
/// its own making, or with whatever bytes a test wants to be answered with.
package final class NameServer: Sendable {
    package enum Record: Sendable {
        case a(UInt32)
        case aaaa([UInt8])
        case srv(priority: UInt16, weight: UInt16, port: UInt16, target: String)
        case naptr(order: UInt16, preference: UInt16, flags: String, service: String, replacement: String)
        case cname(String)

        var type: UInt16 {
            switch self {
            case .a: 1
            case .cname: 5
            case .aaaa: 28
            case .srv: 33
            case .naptr: 35
            }
        }
    }

    package struct Question: Hashable, Sendable {
        package var name: String
        package var type: UInt16

        package init(_ name: String, _ type: UInt16) {
            self.name = name
            self.type = type
        }
    }

    private struct Zone {
        var records: [String: [Record]] = [:]
        var ttl: UInt32 = 60
        var rcodes: [String: UInt8] = [:]
        var raw: [String: [UInt8]] = [:]
        var isSilent = false
        var asked: [Question] = []
    }

    private let socket: CInt
    private let zone = Mutex(Zone())
    private let isClosed = Atomic(false)
    package let port: UInt16

    package init() {
        socket = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 0, tv_usec: 50_000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(socket, $0, length)
                _ = getsockname(socket, $0, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        Self.start(self)
    }

    private static func start(_ server: NameServer) {
        let context = Unmanaged.passRetained(server).toOpaque()
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<NameServer>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, context)
        pthread_detach(thread)
    }

    package func close() {
        isClosed.store(true, ordering: .relaxed)
    }

    /// Replaces the records of a name; none is NXDOMAIN.
    package func set(_ name: String, _ records: Record...) {
        zone.withLock { $0.records[name] = records.isEmpty ? nil : records }
    }

    package func set(ttl: UInt32) {
        zone.withLock { $0.ttl = ttl }
    }

    /// Answers questions about this name with a failure: 2 is SERVFAIL, 5 REFUSED.
    package func fail(_ name: String, rcode: UInt8?) {
        zone.withLock { $0.rcodes[name] = rcode }
    }

    /// Answers questions about this name with these bytes after the question.
    /// - Parameter answers: how many answers the head is to promise.
    package func answer(_ name: String, answers: UInt16, raw: [UInt8]) {
        zone.withLock { $0.raw[name] = [UInt8(answers >> 8), UInt8(answers & 0xff)] + raw }
    }

    package func setSilent(_ isSilent: Bool) {
        zone.withLock { $0.isSilent = isSilent }
    }

    package var asked: [Question] { zone.withLock { $0.asked } }

    package func forgetAsked() {
        zone.withLock { $0.asked = [] }
    }

    private func serve() {
        defer { Glibc.close(socket) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isClosed.load(ordering: .relaxed) {
            var peer = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(socket, &buffer, buffer.count, 0, $0, &length)
                }
            }
            guard count > 12, let answer = answer(to: Array(buffer[..<count])) else { continue }
            _ = withUnsafePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket, answer, answer.count, 0, $0, length)
                }
            }
        }
    }

    private func answer(to message: [UInt8]) -> [UInt8]? {
        var labels: [String] = []
        var position = 12
        while position < message.count, message[position] > 0 {
            let end = position + 1 + Int(message[position])
            guard end < message.count else { return nil }
            labels.append(String(decoding: message[position + 1..<end], as: UTF8.self))
            position = end
        }
        guard position + 5 <= message.count else { return nil }
        let type = UInt16(message[position + 1]) << 8 | UInt16(message[position + 2])
        let question = Array(message[12..<position + 5])
        let name = labels.joined(separator: ".").lowercased()
        return zone.withLock { zone in
            zone.asked.append(Question(name, type))
            if zone.isSilent { return nil }
            if let raw = zone.raw[name] {
                return message[..<2] + [0x84, 0, 0, 1] + raw[..<2] + [0, 0, 0, 0] + question + raw[2...]
            }
            if let rcode = zone.rcodes[name] {
                return message[..<2] + [0x84, rcode, 0, 1, 0, 0, 0, 0, 0, 0] + question
            }
            let all = zone.records[name]
            let fitting = (all ?? []).filter { $0.type == type || $0.type == 5 }
            let rcode: UInt8 = all == nil ? 3 : 0
            let authority: UInt8 = fitting.isEmpty ? 1 : 0
            var bytes =
                message[..<2] + [0x84, rcode, 0, 1, 0, UInt8(fitting.count), 0, authority, 0, 0] + question
            for record in fitting { bytes += Self.entry(record, ttl: zone.ttl) }
            if fitting.isEmpty {
                // SOA: both its TTL and its MINIMUM.
                let soa =
                    Self.name("ns.test") + Self.name("root.test")
                    + [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1] + Self.number(zone.ttl)
                bytes += [0, 0, 6, 0, 1] + Self.number(zone.ttl) + Self.counted(soa)
            }
            return Array(bytes)
        }
    }

    /// Its owner is the name that was asked for: a pointer to the question.
    private static func entry(_ record: Record, ttl: UInt32) -> [UInt8] {
        let data: [UInt8] =
            switch record {
            case .a(let host): number(host)
            case .aaaa(let bytes): bytes
            case .cname(let target): name(target)
            case .srv(let priority, let weight, let port, let target):
                pair(priority) + pair(weight) + pair(port) + name(target)
            case .naptr(let order, let preference, let flags, let service, let replacement):
                pair(order) + pair(preference) + text(flags) + text(service) + text("") + name(replacement)
            }
        return [0xc0, 12] + pair(record.type) + [0, 1] + number(ttl) + counted(data)
    }

    private static func pair(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }

    private static func number(_ value: UInt32) -> [UInt8] {
        pair(UInt16(value >> 16)) + pair(UInt16(value & 0xffff))
    }

    private static func text(_ value: String) -> [UInt8] { [UInt8(value.utf8.count)] + Array(value.utf8) }

    private static func name(_ value: String) -> [UInt8] {
        value == "." ? [0] : value.split(separator: ".").flatMap { text(String($0)) } + [0]
    }

    private static func counted(_ data: [UInt8]) -> [UInt8] { pair(UInt16(data.count)) + data }
}
