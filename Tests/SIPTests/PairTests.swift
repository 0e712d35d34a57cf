import SIP
import SIPMessage
import Testing
import Wire

@Suite("Two user agents over a bad network")
struct PairTests {
    private enum Script: Int, CaseIterable {
        case callerHangsUp, calleeHangsUp, busy, cancelledWhileRinging, cancelledAtOnce
        case calleeHangsUpAtOnce, answeredWhileCancelled
    }

    private static let offer = Array(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n".utf8)

    /// What became of one call on both sides.
    private struct Outcome {
        var callee: LegIdentifier?
        var callerEnds: [LegEnd] = []
        var calleeEnds: [LegEnd] = []
        var isAnswered = false
    }

    @Test(
        "A thousand calls end in the right state, and nothing is left after 64·T1",
        arguments: [
            LossyNetwork.Weather(), LossyNetwork.Weather(loss: 0.1, duplication: 0.1, delay: 0.005...0.4),
            LossyNetwork.Weather(loss: 0.02, duplication: 0.5, delay: 0.001...1.5),
        ])
    func thousandCalls(weather: LossyNetwork.Weather) {
        var network = LossyNetwork(seed: 42, weather: weather)
        let count = 1_000
        var outcomes = [Outcome](repeating: Outcome(), count: count)
        var calls: [LegIdentifier: Int] = [:]
        for call in 0..<count { network.at(.seconds(0.02 * Double(call)), .action(call)) }
        func script(_ call: Int) -> Script { Script(rawValue: call % Script.allCases.count) ?? .busy }
        func leg(_ call: Int) -> LegIdentifier { LegIdentifier(number: UInt64(call) + 1) }
        network.run(until: .seconds(200)) { network, side, event in
            switch (side, event) {
            case (.b, .incoming(let callee, from: _, displayName: _, to: let number, offer: let offer)):
                #expect(offer == Self.offer)
                guard let call = Int(number.revealed), outcomes.indices.contains(call) else {
                    Issue.record("an unknown number was called")
                    return
                }
                #expect(outcomes[call].callee == nil, "one call arrived twice")
                outcomes[call].callee = callee
                calls[callee] = call
                _ = network.act(.b) { $0.ring(callee, now: $1, using: &$2) }
                network.at(
                    network.now + .seconds(Double.random(in: 0.5...3, using: &network.random)), .action(10_000 + call))
            case (.a, .answered(let caller, let body)):
                let call = Int(caller.number) - 1
                #expect(!outcomes[call].isAnswered && body == Self.offer)
                outcomes[call].isAnswered = true
                if script(call) == .callerHangsUp || script(call) == .calleeHangsUp {
                    network.at(network.now + .seconds(5), .action(20_000 + call))
                }
            case (.a, .ringing(let caller)):
                let call = Int(caller.number) - 1
                if script(call) == .cancelledWhileRinging {
                    #expect(outcomes[call].callerEnds.isEmpty)
                    network.at(network.now, .action(30_000 + call))
                }
            case (.a, .ended(let caller, let end)): outcomes[Int(caller.number) - 1].callerEnds.append(end)
            case (.b, .ended(let callee, let end)):
                if let call = calls[callee] { outcomes[call].calleeEnds.append(end) }
            default: break
            }
        } action: { network, number in
            let call = number % 10_000
            func note(_ events: [UserAgentEvent]) {
                for case .ended(let ended, let end) in events {
                    if ended == leg(call) {
                        outcomes[call].callerEnds.append(end)
                    } else {
                        outcomes[call].calleeEnds.append(end)
                    }
                }
            }
            func hangUpCaller() { note(network.act(.a) { $0.hangUp(leg(call), now: $1, using: &$2) }) }
            switch number / 10_000 {
            case 0:
                _ = network.act(.a) {
                    $0.invite(leg(call), to: Redacted(String(call)), offer: Self.offer, now: $1, using: &$2)
                }
                if script(call) == .cancelledAtOnce { hangUpCaller() }
                // A lost 180 is not repeated; and whoever rings for long is cancelled anyway.
                if script(call) == .cancelledWhileRinging {
                    network.at(network.now + .seconds(20), .action(30_000 + call))
                }
            case 1:
                guard let callee = outcomes[call].callee else { return }
                switch script(call) {
                case .busy: note(network.act(.b) { $0.reject(callee, status: 486, now: $1, using: &$2) })
                case .cancelledWhileRinging, .cancelledAtOnce: break
                case .callerHangsUp, .calleeHangsUp, .calleeHangsUpAtOnce, .answeredWhileCancelled:
                    note(network.act(.b) { $0.accept(callee, answer: Self.offer, now: $1, using: &$2) })
                    if script(call) == .calleeHangsUpAtOnce {
                        note(network.act(.b) { $0.hangUp(callee, now: $1, using: &$2) })
                    }
                    if script(call) == .answeredWhileCancelled { hangUpCaller() }
                }
            case 2:
                if script(call) == .callerHangsUp { hangUpCaller() }
                if script(call) == .calleeHangsUp, let callee = outcomes[call].callee {
                    note(network.act(.b) { $0.hangUp(callee, now: $1, using: &$2) })
                }
            case 3: hangUpCaller()
            default: break
            }
        }
        for call in 0..<count {
            let outcome = outcomes[call]
            let context = "call \(call): \(script(call))"
            switch script(call) {
            case .callerHangsUp:
                #expect(outcome.callerEnds == [.localHangUp], "\(context)")
                #expect(outcome.calleeEnds == [.remoteHangUp], "\(context)")
            case .calleeHangsUp, .calleeHangsUpAtOnce:
                #expect(outcome.callerEnds == [.remoteHangUp], "\(context)")
                #expect(outcome.calleeEnds == [.localHangUp], "\(context)")
                #expect(outcome.isAnswered, "\(context)")
            case .busy:
                #expect(outcome.callerEnds == [.rejected(status: 486, reason: "Busy Here")], "\(context)")
                #expect(outcome.calleeEnds == [.localHangUp], "\(context)")
            case .cancelledWhileRinging, .cancelledAtOnce:
                #expect(outcome.callerEnds == [.localHangUp], "\(context)")
                #expect(outcome.calleeEnds == [.cancelledByRemote], "\(context)")
            case .answeredWhileCancelled:
                #expect(outcome.callerEnds == [.localHangUp], "\(context)")
                #expect(outcome.calleeEnds == [.remoteHangUp], "\(context)")
            }
        }
        for agent in network.agents {
            #expect(agent.counts == (0, 0))
            #expect(agent.nextDeadline == nil)
            #expect(agent.isEmpty)
        }
        #expect(network.parsed > count * 6)
    }
}
