import Control
import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing
import Wire

@testable import WebAPI

@Suite("The web process's service", .timeLimit(.minutes(5)))
struct WebServerTests {
    @Test("A port in use is one sentence that names it")
    func portInUse() async throws {
        let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(other.localAddress?.port.flatMap(UInt16.init(exactly:)))
        let server = try await makeServer(port: port)
        await #expect(throws: WebProblem.portInUse(try #require(NetworkAddress("127.0.0.1", port: port)))) {
            try await server.run()
        }
        try await other.close()
    }

    @Test("An address that is not this machine's is one sentence")
    func foreignAddress() async throws {
        let server = try await makeServer(host: "192.0.2.1", port: 8080)
        do {
            try await server.run()
            Issue.record("it listens")
        } catch let problem as Problem {
            #expect(problem.code == "web.cannot-listen")
            #expect(problem.sentence.contains("192.0.2.1:8080"))
        }
    }

    @Test("Graceful shutdown says 1001 to open pages and ends, with a page that does not answer too")
    func gracefulShutdown() async throws {
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = try await makeServer(port: 0) { announce.yield(Int($0.first?.address.port ?? 0)) }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: server)], logger: Logger(label: "test")))
        let running = Task { try await group.run() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let token = try await server.token()
        let answering = try await RawClient(port: port)
        let silent = try await RawClient(port: port)
        let idle = try await RawClient(port: port)
        for phone in [answering, silent] {
            #expect(try await phone.upgrade(token: token).status == 101)
            // Without a core the page says so at once.
            #expect(try await phone.text(with: "phone.ready").contains("core.unreachable"))
        }
        await group.triggerGracefulShutdown()
        #expect(try await answering.closeCode() == 1001)
        #expect(await silent.isClosed)
        #expect(await idle.isClosed)
        try await running.value
    }

    private func makeServer(
        host: String = "127.0.0.1", port: UInt16,
        whenListening: @escaping @Sendable ([WebPlace]) async -> Void = { _ in }
    ) async throws -> WebServer {
        let directory = try stateDirectory()
        try FileManager.default.createDirectory(atPath: directory + "/www", withIntermediateDirectories: true)
        let client = ControlClient(path: directory + "/control.sock", logger: Logger(label: "test"))
        return try WebServer(
            listen: try #require(NetworkAddress(host, port: port)), control: client,
            accounts: await owned(in: directory), wwwRoot: directory + "/www",
            stateDirectory: directory, logger: Logger(label: "test"), whenListening: whenListening)
    }
}
