import Control
import SIP
import SIPMessage
import Settings
import Testing
import Wire

@testable import SIPTransport
@testable import Switchboard

@Suite("Switchboard: a provider over connections", .serialized)
struct TransportTests {
    @Test("An INVITE by UDP from the address of a provider of TCP does not ring; over TCP it does")
    func forged() async throws {
        let box = try await Box.open(over: .tcp)
        let page = await box.page()
        box.provider.call(box.transport.localAddress, over: .udp)
        // What the box does with the datagram it has done before it reads the next one.
        try await box.wait("the datagram") { box.transport.counters.received >= 2 }
        try await Task.sleep(for: .milliseconds(200))
        #expect(box.incoming(page) == nil)
        #expect(box.provider.finalStatus == nil)
        box.provider.call(box.transport.localAddress, over: .tcp)
        try await box.wait("ringing") { box.incoming(page) != nil }
        await box.close()
    }

    @Test("A provider of UDP may send by TCP, as it must what is large")
    func large() async throws {
        let box = try await Box.open()
        let page = await box.page()
        box.provider.call(box.transport.localAddress, over: .tcp)
        try await box.wait("ringing") { box.incoming(page) != nil }
        await box.close()
    }

    @Test("Another transport is another way: registered over it, and the former connection is given up")
    func otherTransport() async throws {
        let box = try await Box.open()
        let heard = { (name: String) in box.provider.request(.register)?.headers.topVia?.transport == name }
        try #require(heard("UDP"))
        #expect(await box.switchboard.apply(try Box.settings(provider: box.provider, over: .tcp)) == [])
        try await box.wait("REGISTER over TCP") { heard("TCP") }
        try await box.wait("registered") { await box.switchboard.status().trunk.state == .registered }
        #expect(await box.switchboard.lines.first?.route?.target == SIPPeer(.tcp, box.provider.address))
        #expect(await box.transport.connectionCount() == 1)
        await box.switchboard.letPass(.seconds(40))
        #expect(await box.switchboard.retiredTargets.isEmpty)
        #expect(box.transport.socket(to: box.provider.address) == nil)

        #expect(await box.switchboard.apply(try Box.settings(provider: box.provider, over: .udp)) == [])
        try await box.wait("REGISTER over UDP") { heard("UDP") }
        try await box.wait("registered") { await box.switchboard.status().trunk.state == .registered }
        await box.switchboard.letPass(.seconds(40))
        #expect(await box.switchboard.retiredTargets.isEmpty)
        try await box.wait("the end of the connection") { await box.transport.connectionCount() == 0 }
        #expect(await box.switchboard.status().trunk.state == .registered)
        await box.close()
    }

    @Test("Other authorities: the provider is looked for anew, and registered with")
    func otherAuthorities() async throws {
        let box = try await Box.open(over: .tcp)
        let before = box.provider.count(.register)
        var next = try Box.settings(provider: box.provider, over: .tcp)
        next.trunk?.authorityFile = "/etc/ssl/certs/ca-certificates.crt"
        #expect(await box.switchboard.apply(next) == [])
        // The removal and the next registration.
        try await box.wait("REGISTER") { box.provider.count(.register) >= before + 2 }
        try await box.wait("registered") { await box.switchboard.status().trunk.state == .registered }
        #expect(await box.switchboard.retiredTargets.isEmpty)
        await box.close()
    }

    @Test("The route that is gone is the reason that is shown, whatever became of the connection")
    func cutOff() async throws {
        let box = try await Box.open(over: .tcp)
        await box.switchboard.loseRoute()
        try await box.wait("the failure") { await box.switchboard.status().trunk.state == .failed }
        #expect(await box.switchboard.status().trunk.problem == Switchboard.noRoute)
        await box.close()
    }
}

extension Switchboard {
    /// As if the network told that there is no way to the provider, and then that a registration came to nothing.
    fileprivate func loseRoute() {
        guard let route = lines.first?.route else { return }
        lines[0].isCutOff = true
        lines[0].connectionProblem = Problem(code: "trunk.tls-failed", sentence: "TLS failed.", remedy: "")
        perform(userAgent.moved(to: contact(from: route.local), now: .now(), using: &generator))
        perform(userAgent.transportFailed(to: route.target.address, now: .now(), using: &generator))
    }
}
