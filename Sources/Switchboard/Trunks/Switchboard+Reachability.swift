import Control
import Logging
import SIP
import Settings
import Wire

// Accounts without registration: nobody would say that their provider is gone but the next call.
extension Switchboard {
    /// Begins to ask, or begins anew where the account or the way to its provider is another.
    func watch(_ number: UInt64) {
        guard let index = index(number) else { return }
        let settings = lines[index].settings
        lines[index].isHeard = false
        lines[index].check =
            settings.registers
            ? nil : settings.optionsInterval.map { ReachabilityCheck(interval: .seconds($0), now: .now()) }
    }

    func askWhatIsDue(now: MonotonicTime) {
        for line in lines {
            guard !stopping, let index = index(line.number), let step = lines[index].check?.advance(to: now) else {
                continue
            }
            switch step {
            case .giveUp: conclude(line.number, .noReply)
            case .ask:
                lastQuestion &+= 1
                let number = lastQuestion
                guard let effects = userAgent.ask(number, trunk: line.name, now: now, using: &generator) else {
                    lines[index].check?.concluded(nil, now: now, using: &generator)
                    continue
                }
                lines[index].check?.asked(number, now: now)
                perform(effects)
            }
        }
    }

    /// The end of a question of this watch.
    /// - Returns: whether it was one.
    func concluded(_ question: UInt64, _ outcome: AskingOutcome) -> Bool {
        guard let line = lines.first(where: { $0.check?.question == question }) else { return false }
        // What was given up already ends once more by the timer of its transaction.
        if outcome != .noReply { conclude(line.number, outcome) }
        return true
    }

    private func conclude(_ number: UInt64, _ outcome: AskingOutcome) {
        guard let index = index(number), let peer = lines[index].route?.target, !stopping else { return }
        let line = lines[index]
        let loss: (failure: TargetSelection.Failure, problem: Problem)?
        switch outcome {
        case .answered(503, let retryAfter): loss = (.unavailable(retryAfter: retryAfter), Self.outOfService)
        case .answered: loss = nil
        case .noReply: loss = (.timeout, RegistrationFailure.noReply.problem)
        case .unreachable:
            let problem = line.isCutOff ? Self.noRoute : line.connectionProblem
            loss = (.connection, problem ?? RegistrationFailure.unreachable.problem)
        }
        var pause = Duration.zero
        if case .answered(let status, let retryAfter) = outcome {
            measure(line.name) { $0.optionsStatus = status }
            if let retryAfter { pause = min(.seconds(max(retryAfter, 0)), TargetSelection.Limit.longestPenalty) }
        }
        if outcome == .noReply, line.check?.silenceMeansNothing == true {
            lines[index].check?.concluded(nil, now: .now(), using: &generator)
            return
        }
        lines[index].check?.concluded(loss == nil, retryAfter: pause, now: .now(), using: &generator)
        guard let loss else {
            lines[index].selection.succeeded(.init(peer))
            lines[index].connectionProblem = nil
            return setTrunk(number, .ready, nil)
        }
        lines[index].selection.failed(.init(peer), loss.failure, now: .now())
        let next = nextPeer(of: lines[index])
        guard let next, next != peer, lines[index].isInGoodStanding(next, at: .now()) else {
            return setTrunk(number, .failed, loss.problem)
        }
        log.notice(
            "The provider's server does not do its work; another one of the provider's is asked.",
            metadata: ["trunk": "\(line.name)", "at": "\(peer)", "next": "\(next)"])
        Task { await connect(number, to: next, registersNow: false) }
    }

    /// The provider of an account answered an invitation, or sent one: it is there, whatever it says to OPTIONS.
    func noteLife(of name: String?) {
        guard let name, let line = line(name), let index = index(line.number), !line.settings.registers else { return }
        let isNews = line.status.answers != true
        lines[index].check?.lived(at: .now())
        lines[index].isHeard = true
        guard isNews || line.status.state == .failed, line.route != nil, !line.isCutOff else { return }
        lines[index].connectionProblem = nil
        setTrunk(line.number, .ready, nil)
    }

    static let outOfService = Problem(
        code: "trunk.out-of-service", sentence: "The provider says that it takes no calls at the moment (503).",
        remedy: "Wait; the box keeps asking. If it lasts, look at the provider's status page.")
}
