import Testing
import Wire

@testable import Media

extension MediaEngineTests {
    @Suite("Addresses of the one port")
    struct AddressTests {
        private static func host(_ text: String) -> NetworkAddress.Host {
            NetworkAddress.Host(text) ?? .ipv4(0)
        }

        @Test(
            "Answers leave from the address that the packet came to",
            arguments: [
                ("0.0.0.0", "127.0.0.1", "127.0.0.2"), ("0.0.0.0", "127.0.0.1", "127.0.0.1"),
                ("::", "127.0.0.1", "127.0.0.3"), ("::", "::1", "::1"),
            ])
        func answersFromThere(listen: String, browserHost: String, boxHost: String) async throws {
            let harness = try MediaHarness(listen: Self.host(listen))
            let socket = try TestSocket(on: Self.host(browserHost), towards: Self.host(boxHost))
            let browser = try TestBrowser(1, engine: harness.engine, socket: socket)
            browser.check()
            try await until("the check is answered") {
                browser.pump()
                return browser.answeredChecks > 0
            }
            #expect(socket.lastSource == NetworkAddress(host: Self.host(boxHost), port: browser.port))
            browser.startHandshake()
            try await until("SRTP has its keys") {
                browser.pump()
                return browser.isConnected && harness.saw(.connected(browser.leg))
            }
            harness.engine.startService(browser.leg, .milliwatt)
            try await until("sound comes from there too") {
                browser.pump()
                return !browser.heard.isEmpty
            }
            #expect(socket.lastSource?.host == Self.host(boxHost))
        }

        @Test("A nominated check from another address moves the leg; an ordinary one does not")
        func moves() async throws {
            let harness = try MediaHarness()
            let browser = try await harness.connectedBrowser(1)
            let other = try TestSocket()
            other.send(browser.makeCheck(nominate: false), to: browser.port)
            try await until("the ordinary check is answered") { !other.receive().isEmpty }
            harness.engine.startService(browser.leg, .milliwatt)
            try await until("sound comes to the old address") {
                browser.pump()
                return browser.heard.count > 2
            }
            #expect(other.receive().isEmpty)
            other.send(browser.makeCheck(nominate: true), to: browser.port)
            var arrived = 0
            try await until("sound comes to the new one") {
                arrived += other.receive().count
                return arrived > 3
            }
            #expect(await harness.engine.snapshot().validatedAddresses == 2)
        }

        @Test("A check with a wrong password gets no answer and validates nothing")
        func wrongPassword() async throws {
            let harness = try MediaHarness()
            let browser = try TestBrowser(1, engine: harness.engine)
            browser.check(password: "not-the-password-at-all")
            browser.startHandshake()
            var dropped: UInt64 = 0
            while dropped < 2 { dropped = await harness.engine.snapshot().droppedTotal }
            browser.pump()
            #expect(browser.answeredChecks == 0)
            let snapshot = await harness.engine.snapshot()
            #expect(snapshot.validatedAddresses == 0)
            #expect(snapshot.dropped == ["badSTUN": 1, "strangerDTLS": 1])
        }
    }
}
