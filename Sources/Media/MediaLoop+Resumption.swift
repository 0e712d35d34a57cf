import RTP
import SecureMedia
import Wire

/// Legs that go on in another process, done on the loop's thread.
extension MediaLoop {
    func states() -> [LegState] {
        legs.values.compactMap(\.state).sorted { $0.identifier.number < $1.identifier.number }
    }

    /// Takes legs up where another process left them, then bridges those that both arrived.
    func resume(_ resumed: [ResumedLeg]) {
        for each in resumed where legs[each.state.identifier] == nil {
            do throws(Problem) {
                try resume(each)
            } catch {
                context.emit(.failed(each.state.identifier, error))
            }
        }
        for each in resumed {
            guard let bridge = each.state.bridge, let leg = legs[each.state.identifier],
                let listener = legs[bridge.listener]
            else { continue }
            leg.bridge = Bridge(to: listener, isOpen: bridge.isOpen)
        }
        ticker.set(pace)
    }

    private func resume(_ each: ResumedLeg) throws(Problem) {
        guard legs.count < Self.maximumLegs else { throw Self.tooManyLegs }
        let state = each.state
        let ssrc = UInt32.random(in: 1...(.max), using: &generator)
        switch state.transport {
        case .browser(let description):
            guard
                let browser = try? BrowserLeg(
                    continuing: description, spent: state.rewriter.ssrc, identity: identity)
            else { throw Self.notResumed }
            let leg = Leg(continuing: state, .browser(browser), ssrc: ssrc, using: &generator)
            legs[leg.identifier] = leg
            byFragment[browser.usernameFragment] = leg
            for address in browser.addresses { byAddress[address] = leg }
        case .trunk(let description):
            guard let sockets = each.sockets else { throw Self.notResumed }
            let trunk = TrunkLeg(continuing: description, rtp: sockets.rtp, rtcp: sockets.rtcp)
            let leg = Leg(continuing: state, .trunk(trunk), ssrc: ssrc, using: &generator)
            do throws(Problem) {
                try watch(leg, trunk)
            } catch {
                unwatch(leg, trunk)
                throw error
            }
            legs[leg.identifier] = leg
        }
    }

    private static let notResumed = Problem(
        code: "media.not-resumed", sentence: "A call could not go on after the restart.", remedy: "Call again.")
}
