import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
package import Wire

/// A command's way to ask the web process, over its operator's socket: HTTP/1.1, one connection a request.
package struct OperatorClient: Sendable {
    package struct Request: Sendable {
        package var method: String
        /// `/api/v1/calls`
        package var path: String
        package var query: [(name: String, value: String)]
        /// JSON.
        package var body: [UInt8]?

        package init(
            _ path: String, method: String = "GET", query: [(name: String, value: String)] = [], body: [UInt8]? = nil
        ) {
            (self.method, self.path, self.query, self.body) = (method, path, query, body)
        }

        var target: String {
            guard !query.isEmpty else { return path }
            return path + "?"
                + query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }.joined(separator: "&")
        }

        /// RFC 3986 §2.3: what is not unreserved is escaped.
        static func escaped(_ text: String) -> String {
            var escaped = ""
            for byte in text.utf8 {
                let scalar = UnicodeScalar(byte)
                if scalar.isASCII,
                    scalar.properties.isAlphabetic || (0x30...0x39).contains(byte)
                        || "-._~".unicodeScalars.contains(scalar)
                {
                    escaped.unicodeScalars.append(scalar)
                } else {
                    escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
                }
            }
            return escaped
        }
    }

    /// More than that is streamed.
    package static let largestAnswer = 16 << 20

    private let path: String
    private let notRunning: Problem
    private let patience: Duration

    /// - Parameters:
    ///   - notRunning: thrown when nobody takes the connection.
    ///   - patience: how long the next part of an answer may be waited for; the time in which the answer's reader is busy does
    ///     not count.
    package init(path: String, notRunning: Problem, patience: Duration = .seconds(60)) {
        (self.path, self.notRunning, self.patience) = (path, notRunning, patience)
    }

    /// - Returns: the body of the answer.
    /// - Throws: what the web process refused it with; `web.no-answer`; `notRunning`.
    package func send(_ request: Request) async throws(Problem) -> [UInt8] {
        var body: [UInt8] = []
        do {
            try await stream(request) { part in
                guard body.count + part.count <= Self.largestAnswer else { throw WebProblem.noAnswer }
                body += part
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw WebProblem.noAnswer
        }
        return body
    }

    /// - Returns: the answer, read as JSON.
    /// - Throws: as ``send(_:)``; `web.other-version` when it is not what was expected.
    package func json<Answer: Decodable>(_ request: Request, as type: Answer.Type) async throws(Problem) -> Answer {
        let body = try await send(request)
        guard let answer = try? JSONDecoder().decode(type, from: Data(body)) else { throw WebProblem.otherVersion }
        return answer
    }

    /// Hands the parts of an answer on as they come; memory does not grow with the answer, and a slow sink is waited for.
    ///
    /// - Throws: as ``send(_:)``, and what the sink throws. The sink has seen a part of the answer then.
    package func stream(_ request: Request, to sink: ([UInt8]) async throws -> Void) async throws {
        let connection: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
        do {
            connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(10))
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw notRunning
        }
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(contentsOf: parts(of: request))
                try await receive(inbound, connection.channel, sink)
            }
        } catch is ChannelError {
            throw WebProblem.noAnswer
        } catch is IOError {
            throw WebProblem.noAnswer
        } catch is HTTPParserError {
            throw WebProblem.noAnswer
        }
    }

    private func parts(of request: Request) -> [HTTPClientRequestPart] {
        var headers: HTTPHeaders = ["Host": "localhost", "Connection": "close"]
        // Behind sudo the person is another one than the user.
        let sudo = getuid() == 0 ? getenv("SUDO_USER").map { String(cString: $0) } : nil
        if let name = sudo ?? userName(getuid()) { headers.add(name: "SIPCall-Operator", value: name) }
        if let body = request.body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: "\(body.count)")
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target, headers: headers)
        let body = request.body.map { [HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []
        return [.head(head)] + body + [.end(nil)]
    }

    private func receive(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ channel: any Channel,
        _ sink: ([UInt8]) async throws -> Void
    ) async throws {
        var parts = inbound.makeAsyncIterator()
        var status = HTTPResponseStatus.ok
        var refusal: [UInt8] = []
        while true {
            let alarm = channel.eventLoop.scheduleTask(in: .nanoseconds(patience.nanoseconds)) {
                channel.close(promise: nil)
            }
            let part = try await parts.next()
            alarm.cancel()
            switch part {
            case .head(let head): status = head.status
            case .body(let bytes):
                if (200..<300).contains(status.code) {
                    try await sink(Array(bytes.readableBytesView))
                } else if refusal.count < 64 * 1024 {
                    refusal += bytes.readableBytesView
                }
            case .end:
                guard !(200..<300).contains(status.code) else { return }
                throw (try? JSONDecoder().decode(Problem.self, from: Data(refusal))) ?? WebProblem.noAnswer
            // Silent for too long, or gone.
            case nil: throw WebProblem.noAnswer
            }
        }
    }
}
