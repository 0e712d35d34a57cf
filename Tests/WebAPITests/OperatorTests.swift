import Control
import Foundation
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import WebAPI

@Suite("The operator's socket: commands of this machine ask without a session", .serialized)
struct OperatorTests {
    private static let gone = Problem(code: "test.gone", sentence: "Nobody is there.")

    private static func client(_ path: String, patience: Duration = .seconds(10)) -> OperatorClient {
        OperatorClient(path: path, notRunning: gone, patience: patience)
    }

    private struct Session: Decodable { var role: String }

    @Test("The kernel's word takes the place of a cookie, on this socket only")
    func asks() async throws {
        try await withBox { box in
            let client = Self.client(box.stateDirectory + "/web.sock")
            #expect(try await client.json(.init("/api/v1/session"), as: Session.self).role == "owner")
            #expect(try await client.json(.init("/api/v1/status"), as: BoxStatus.self).version == "test")
            let mode = try FileManager.default.attributesOfItem(atPath: box.stateDirectory + "/web.sock")
            #expect((mode[.posixPermissions] as? Int) == 0o600)
            let page = try await RawClient(port: box.port).request("GET", "/api/v1/status").status
            #expect(page == 401)
        }
    }

    @Test("A refusal comes out as the problem that it is")
    func refused() async throws {
        try await withBox { box in
            let client = Self.client(box.stateDirectory + "/web.sock")
            await #expect { try await client.send(.init("/api/v1/nothing")) } throws: { error in
                (error as? Problem)?.code == "web.not-found"
            }
            await #expect { try await client.json(.init("/api/v1/status"), as: Session.self) } throws: { error in
                (error as? Problem)?.code == "web.other-version"
            }
        }
        let path = try temporaryDirectory() + "/web.sock"
        await #expect(throws: Self.gone) { try await Self.client(path).send(.init("/api/v1/status")) }
    }

    @Test("A web process that says nothing, too much nonsense, or half an answer does not hang the command")
    func silent() async throws {
        for answer in ["", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
            let path = try temporaryDirectory() + "/web.sock"
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.writeAndFlush(ByteBuffer(string: answer))
                }
                .bind(unixDomainSocketPath: path).get()
            await #expect(throws: WebProblem.noAnswer) {
                try await Self.client(path, patience: .milliseconds(200)).send(.init("/api/v1/status"))
            }
            try await server.close()
        }
    }

    @Test(
        "Who asks: the kernel's name, and what the command says only where the kernel has none",
        arguments: [
            (UInt32(0), nil as String?, "root"), (0, "root", "root"), (0, "alice", "root (alice)"),
            (0, "a\nb", "root"), (65_534, "alice", "alice (not verified)"),
            (65_534, "a b", "somebody of the group sipcall"), (4_000_000, nil, "user 4000000"),
        ])
    func names(user: UInt32, claim: String?, name: String) {
        #expect(Operator(PeerCredentials(user: user), mayBeAnyone: true, claim: claim)?.name == name)
    }

    @Test("Without a group to decide, only root and the process's own user may ask")
    func others() {
        #expect(Operator(PeerCredentials(user: 4_000_000), mayBeAnyone: false, claim: nil) == nil)
        #expect(Operator(PeerCredentials(user: 65_534), mayBeAnyone: false, claim: "root") == nil)
        #expect(Operator(PeerCredentials(user: getuid()), mayBeAnyone: false, claim: nil) != nil)
        #expect(Operator(PeerCredentials(), mayBeAnyone: false, claim: nil) == nil)
    }

    @Test("A query keeps its values whatever they contain")
    func query() {
        let request = OperatorClient.Request("/x", query: [("number", "+49 30&a=b"), ("text", "Ä%")])
        #expect(request.target == "/x?number=%2B49%2030%26a%3Db&text=%C3%84%25")
    }
}
