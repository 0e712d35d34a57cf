import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A TCP connection without any HTTP or WebSocket of ours: what the server must get along with.
final class RawClient {
    struct Answer {
        var status = 0
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        subscript(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
        var text: String { String(decoding: body, as: UTF8.self) }

        /// A member of the body, which has to be a JSON object.
        func member(_ name: String) -> String? {
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
            return object?[name] as? String
        }

        func flag(_ name: String) -> Bool? {
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
            return object?[name] as? Bool
        }

        func number(_ name: String) -> Int? {
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
            return object?[name] as? Int
        }
    }

    struct Frame: Equatable {
        var opcode: UInt8
        var payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        var closeCode: Int? { payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    }

    struct Closed: Error {}

    private let channel: any Channel
    private var chunks: AsyncStream<[UInt8]>.Iterator
    private var bytes: [UInt8] = []

    /// - Parameter tls: what the client accepts; nil: no TLS.
    init(port: Int, tls: TLSConfiguration? = nil) async throws {
        let secure = try tls.map { try NIOSSLContext(configuration: $0) }
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        chunks = stream.makeAsyncIterator()
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let secure {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: secure, serverHostname: "localhost"))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    deinit { channel.close(promise: nil) }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Ends the connection without a word.
    func vanish() async {
        try? await channel.close()
    }

    /// Whether the server closes the connection, whatever it says before.
    var isClosed: Bool {
        get async {
            while await chunks.next() != nil {}
            return true
        }
    }

    // MARK: HTTP

    func request(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) async throws -> Answer {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1"] + headers
        if let body { lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] }
        try await send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
        return try await answer(hasBody: method != "HEAD")
    }

    func answer(hasBody: Bool = true) async throws -> Answer {
        var answer = Answer()
        let status = try await line()
        answer.status = Int(status.split(separator: " ").dropFirst().first ?? "") ?? 0
        while true {
            let line = try await line()
            guard let colon = line.firstIndex(of: ":") else { break }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            answer.headers.append((line[..<colon].lowercased(), value))
        }
        if hasBody, let length = answer["content-length"].flatMap({ Int($0) }) { answer.body = try await take(length) }
        return answer
    }

    private func line() async throws -> String {
        var line: [UInt8] = []
        while true {
            let byte = try await take(1)[0]
            if byte == 0x0a { return String(decoding: line.filter { $0 != 0x0d }, as: UTF8.self) }
            line.append(byte)
        }
    }

    private func take(_ count: Int) async throws -> [UInt8] {
        while bytes.count < count {
            guard let chunk = await chunks.next() else { throw Closed() }
            bytes += chunk
        }
        defer { bytes.removeFirst(count) }
        return Array(bytes.prefix(count))
    }

    // MARK: WebSocket

    func upgrade(token: String?, origin: String? = "http://127.0.0.1", version: String = "13", query: String = "")
        async throws -> Answer
    {
        var headers = [
            "Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: \(version)",
        ]
        if let origin { headers.append("Origin: \(origin)") }
        headers.append("Sec-WebSocket-Protocol: sipcall.v1\(token.map { ", bearer.\($0)" } ?? "")")
        return try await request("GET", "/api/v1/phone" + query, headers: headers)
    }

    func sendFrame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true, masked: Bool = true) async throws {
        var frame: [UInt8] = [(fin ? 0x80 : 0) | opcode]
        let mask: UInt8 = masked ? 0x80 : 0
        switch payload.count {
        case 0..<126: frame.append(mask | UInt8(payload.count))
        case 126..<65536: frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        default:
            frame.append(mask | 127)
            frame += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        let key: [UInt8] = [1, 2, 3, 4]
        if masked { frame += key }
        frame += payload.enumerated().map { masked ? $0.element ^ key[$0.offset % 4] : $0.element }
        try await send(frame)
    }

    func sendText(_ text: String) async throws {
        try await sendFrame(1, Array(text.utf8))
    }

    func frame() async throws -> Frame {
        let head = try await take(2)
        var length = Int(head[1] & 0x7f)
        if length == 126 { length = try await take(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = try await take(8).reduce(0) { $0 << 8 | Int($1) } }
        return Frame(opcode: head[0] & 0x0f, payload: try await take(length))
    }

    /// The next text message, pings aside.
    func text() async throws -> String {
        while true {
            let frame = try await frame()
            if frame.opcode == 1 { return frame.text }
            if frame.opcode == 8 { throw Closed() }
        }
    }

    /// The next message that contains all of it.
    func text(with parts: String...) async throws -> String {
        while true {
            let text = try await text()
            if parts.allSatisfy(text.contains) { return text }
        }
    }

    /// The code with which the server closes; it gets the echo that RFC 6455 §5.5.1 asks for.
    func closeCode() async throws -> Int? {
        while true {
            let frame = try await frame()
            guard frame.opcode == 8 else { continue }
            try? await sendFrame(8, Array(frame.payload.prefix(2)))
            return frame.closeCode
        }
    }
}

private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<[UInt8]>.Continuation

    init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
