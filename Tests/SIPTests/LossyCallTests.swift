import Glibc
import SIPMessage
import Testing
import Wire

@testable import SIP

/// A thousand calls with everything in them, over the network that nobody wants.
///
/// `SIPCALL_LOSSY_FIGURES=FILE` has each seed's figures appended to a file, one JSON object a line;
/// `SIPCALL_LOSSY_BROKEN=1` loses every repetition too, which must go wrong.
@Suite("20 % loss, 100 ± 50 ms, doubled and out of order")
struct LossyCallTests {
    private static func session(_ side: Int, _ version: Int, _ direction: String) -> [UInt8] {
        Array(
            ("v=0\r\no=- \(side) \(version) IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
                + "m=audio 9 RTP/AVP 0\r\na=\(direction)\r\n").utf8)
    }

    /// What the test wants and sees of one call.
    private struct Watch {
        var callee: LegIdentifier?
        var version = 1
        var answered = [false, false]
        var ends: [[LegEnd]] = [[], []]
        /// Who hung up first, if anybody did.
        var hangUpBy: Int?
        var agreements = 0
        var refusals = 0
        /// Transfers that a side asked for and heard the end of.
        var transfers = [0, 0]
    }

    private enum Step: Int {
        case invite, ring, progress, accept, change, digit, hangUp, transfer, report, unregister
    }

    @Test("Every call ends in the right state on both sides, and nothing is left", arguments: [1, 2, 3] as [UInt64])
    func thousandCalls(seed: UInt64) {
        let count = 1_000
        var network = LossyNetwork(
            seed: seed,
            weather: .init(
                losesRepetitions: getenv("SIPCALL_LOSSY_BROKEN") != nil, loss: 0.2, duplication: 0.1,
                delay: 0.05...0.15),
            asksOwner: true, door: LossyDoor())
        var watches = [Watch](repeating: Watch(), count: count)
        var callOf: [LegIdentifier: Int] = [:]
        var script = SeededGenerator(seed: seed &+ 1_000)
        func caller(_ call: Int) -> LegIdentifier { LegIdentifier(number: UInt64(call) + 1) }
        func action(_ step: Step, _ side: Int, _ call: Int) -> Int { (step.rawValue * 2 + side) * count + call }
        func later(_ network: inout LossyNetwork, _ range: ClosedRange<Double>, _ step: Step, _ side: Int, _ call: Int)
        {
            network.at(
                network.now + .seconds(Double.random(in: range, using: &script)), .action(action(step, side, call)))
        }
        func take(_ network: inout LossyNetwork, _ side: LossyNetwork.Side, _ event: UserAgentEvent) {
            func call(_ leg: LegIdentifier) -> Int { side == .a ? Int(leg.number) - 1 : callOf[leg] ?? -1 }
            switch event {
            case .incoming(let leg, _, _, let number, let offer):
                guard let call = Int(number.revealed), watches.indices.contains(call), offer != nil else {
                    Issue.record("an unknown number was called")
                    return
                }
                #expect(watches[call].callee == nil, "one call arrived twice")
                watches[call].callee = leg
                callOf[leg] = call
                later(&network, 0...0.5, .ring, 1, call)
                later(&network, 0.1...2, .progress, 1, call)
                later(&network, 0.5...8, .accept, 1, call)
                later(&network, 0...30, .hangUp, Int.random(in: 0...1, using: &script), call)
            case .answered(let leg, let body):
                let call = call(leg)
                #expect(!watches[call].answered[0] && !body.isEmpty)
                watches[call].answered[0] = true
                for side in 0...1 {
                    later(&network, 0...10, .change, side, call)
                    later(&network, 0...10, .change, side, call)
                    later(&network, 0...10, .digit, side, call)
                    if call % 4 == 0 { later(&network, 0...10, .transfer, side, call) }
                }
            case .offered(let leg, let offer):
                let call = call(leg)
                watches[call].version += 1
                let body = Self.session(side.rawValue, watches[call].version, offer == nil ? "sendrecv" : "recvonly")
                for more in network.act(side, { $0.answer(leg, body: body, now: $1, using: &$2) }) {
                    take(&network, side, more)
                }
            case .transferRequested(let leg, let wish):
                #expect(wish.number.revealed == "7")
                let call = call(leg)
                let isWanted = Bool.random(using: &script)
                for more in network.act(
                    side,
                    {
                        isWanted
                            ? $0.acceptTransfer(leg, now: $1, using: &$2) : $0.refuseTransfer(leg, now: $1, using: &$2)
                    })
                { take(&network, side, more) }
                if isWanted { later(&network, 0.5...4, .report, side.rawValue, call) }
            case .transferProgress(let leg, let status):
                if status >= 200 { watches[call(leg)].transfers[side.rawValue] += 1 }
            case .agreed(let leg, _): watches[call(leg)].agreements += 1
            case .offerRefused(let leg, _): watches[call(leg)].refusals += 1
            case .ended(let leg, let end): watches[call(leg)].ends[side.rawValue].append(end)
            default: break
            }
        }
        for call in 0..<count { network.at(.seconds(0.02 * Double(call)), .action(action(.invite, 0, call))) }
        network.at(.seconds(330), .action(action(.unregister, 0, 0)))
        network.run(until: .seconds(400)) { network, side, event in
            take(&network, side, event)
        } action: { network, number in
            let (call, side, step) = (number % count, number / count % 2, Step(rawValue: number / count / 2))
            guard let step, let at = LossyNetwork.Side(rawValue: side) else { return }
            guard let leg = side == 0 ? caller(call) : watches[call].callee else { return }
            if step != .invite, step != .unregister, !watches[call].ends[side].isEmpty { return }
            let fresh = network.act(at) { agent, now, random in
                switch step {
                case .invite:
                    return agent.invite(
                        leg, to: Redacted(String(call)), offer: Self.session(0, 1, "sendrecv"), now: now,
                        using: &random)
                case .ring: return agent.ring(leg, now: now, using: &random)
                case .progress:
                    return agent.progress(leg, body: Self.session(1, 1, "sendrecv"), now: now, using: &random)
                case .accept:
                    watches[call].answered[1] = true
                    return agent.accept(leg, answer: Self.session(1, 1, "sendrecv"), now: now, using: &random)
                case .change:
                    watches[call].version += 1
                    let body = Self.session(side, watches[call].version, "sendonly")
                    return agent.renegotiate(leg, offer: body, now: now, using: &random)
                case .digit:
                    guard let report = DigitReport("5") else { return [] }
                    return agent.sendDigit(leg, report, now: now, using: &random)
                case .transfer: return agent.transfer(leg, to: Redacted("7"), now: now, using: &random)
                case .report: return agent.reportTransfer(leg, status: 200, now: now, using: &random)
                case .unregister: return agent.unregister(now: now, using: &random)
                case .hangUp:
                    watches[call].hangUpBy = watches[call].hangUpBy ?? side
                    return agent.hangUp(leg, now: now, using: &random)
                }
            }
            for event in fresh { take(&network, at, event) }
        }
        var figures = Figures(seed: seed, calls: count)
        for call in 0..<count {
            let watch = watches[call]
            figures.agreements += watch.agreements
            figures.transfers += watch.transfers.reduce(0, +)
            #expect(watch.transfers.allSatisfy { $0 <= 1 }, "a transfer has one end")
            figures.answered += watch.answered[0] ? 1 : 0
            let story = "seed \(seed), call \(call): \(watch)"
            #expect(watch.callee != nil && watch.hangUpBy != nil, "\(story)")
            guard watch.ends[0].count == 1, watch.ends[1].count == 1 else {
                Issue.record("not one end on each side: \(story)")
                continue
            }
            let isRight = Self.areRight(watch)
            #expect(isRight, "\(story)")
            if isRight { figures.right += 1 }
        }
        (figures.datagrams, figures.lost) = (network.sent, network.lost)
        (figures.challenges, figures.registrations) = (network.door?.challenges ?? 0, network.door?.registrations ?? 0)
        figures.leaks = network.agents.count { !$0.isEmpty || $0.nextDeadline != nil }
        figures.write()
        #expect(figures.answered > count / 2 && figures.agreements > count)
        #expect(figures.transfers > count / 10 && figures.challenges >= count + figures.registrations / 3)
        #expect(figures.registrations >= 4, "at first, and whenever half of what was granted is over")
        #expect(network.door?.lapses == 0 && network.door?.strangers == 0)
        #expect(network.door?.boundUntil == nil, "taken back at the end")
        for agent in network.agents {
            #expect(agent.isEmpty)
            #expect(agent.nextDeadline == nil)
        }
    }

    /// What is told of one seed.
    private struct Figures {
        var seed: UInt64
        var calls: Int
        var answered = 0
        var right = 0
        var agreements = 0
        var transfers = 0
        var challenges = 0
        var registrations = 0
        var datagrams = 0
        var lost = 0
        /// User agents that still hold something in the end.
        var leaks = 0

        init(seed: UInt64, calls: Int) {
            (self.seed, self.calls) = (seed, calls)
        }

        func write() {
            let line =
                #"{"seed":\#(seed),"calls":\#(calls),"answered":\#(answered),"right":\#(right),"#
                + #""agreements":\#(agreements),"transfers":\#(transfers),"challenges":\#(challenges),"#
                + #""registrations":\#(registrations),"datagrams":\#(datagrams),"lost":\#(lost),"leaks":\#(leaks)}"#
            print("lossy: \(line)")
            guard let path = getenv("SIPCALL_LOSSY_FIGURES"), let file = fopen(path, "a") else { return }
            fputs(line + "\n", file)
            fclose(file)
        }
    }

    /// The side that hung up first knows it; the other was hung up on, or was cancelled or refused before the answer.
    private static func areRight(_ watch: Watch) -> Bool {
        let (caller, callee) = (watch.ends[0][0], watch.ends[1][0])
        switch (caller, callee) {
        case (.localHangUp, .remoteHangUp), (.remoteHangUp, .localHangUp): return watch.answered[1]
        case (.localHangUp, .cancelledByRemote), (.rejected(status: 480, reason: _), .localHangUp):
            return !watch.answered[0]
        // A request in the call came past the BYE that was lost at first, and was answered with 481.
        case (.localHangUp, .dialogLost), (.dialogLost, .localHangUp): return watch.answered[0]
        // Both at once.
        case (.localHangUp, .localHangUp): return true
        default: return false
        }
    }
}
