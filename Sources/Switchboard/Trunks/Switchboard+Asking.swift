import Control
import SIP
import SIPTransport
import Settings
import Wire

// Whether the provider is there, asked on behalf of somebody who waits for the answer.
extension Switchboard {
    /// How long the answer to one OPTIONS is waited for: less than any command of the control socket may take.
    static let askingTime: Duration = .seconds(4)
    private static let mostQuestions = 16

    /// A question that waits for its answer.
    struct Question {
        var askedAt: MonotonicTime
        var alarm: Task<Void, Never>
        var continuation: CheckedContinuation<(AskingOutcome, Duration), Never>
    }

    /// Sends every provider one OPTIONS, all at once, and waits for what becomes of it.
    func askProviders() async throws(Problem) -> ControlReply {
        guard !lines.isEmpty else { throw Self.noTrunk }
        let names = lines.map(\.name)
        let reports = await withTaskGroup(of: (Int, ProviderReport?).self) { group in
            for (place, name) in names.enumerated() {
                group.addTask { (place, await self.askProvider(name)) }
            }
            var reports: [Int: ProviderReport] = [:]
            for await (place, report) in group { reports[place] = report }
            return reports
        }
        return .providers(names.indices.compactMap { reports[$0] })
    }

    /// - Returns: nil when the account is not configured any more.
    private func askProvider(_ name: String) async -> ProviderReport? {
        guard let line = line(name) else { return nil }
        var report = ProviderReport(
            name: name, address: line.route?.target.address,
            local: line.route.map { NetworkAddress(host: $0.local, port: sipPort($0.local.family)) },
            seenAt: line.seenAt, advertised: line.route.flatMap { settings.media.advertised($0.local.family) })
        guard line.route != nil else {
            report.problem = line.status.problem ?? RegistrationFailure.unreachable.problem
            return report
        }
        guard let (outcome, time) = await ask(name) else {
            report.problem = ControlProblem.overloaded
            return report
        }
        switch outcome {
        case .answered(let status, _):
            report.status = status
            measure(name) { $0.optionsStatus = status }
            report.roundTripMilliseconds = (time.milliseconds * 10).rounded() / 10
        case .noReply:
            report.problem = RegistrationFailure.noReply.problem
            report.answersCalls = self.line(name)?.check?.silenceMeansNothing
        case .unreachable:
            report.problem = self.line(name)?.connectionProblem ?? RegistrationFailure.unreachable.problem
        }
        return report
    }

    private func ask(_ trunk: String) async -> (AskingOutcome, Duration)? {
        guard questions.count < Self.mostQuestions, !stopping else { return nil }
        lastQuestion &+= 1
        let number = lastQuestion
        guard let effects = userAgent.ask(number, trunk: trunk, now: .now(), using: &generator) else { return nil }
        return await withCheckedContinuation { continuation in
            let alarm = Task {
                try? await Task.sleep(for: Self.askingTime)
                guard !Task.isCancelled else { return }
                self.answered(number, .noReply)
            }
            questions[number] = Question(askedAt: .now(), alarm: alarm, continuation: continuation)
            perform(effects)
            schedule()
        }
    }

    func answered(_ number: UInt64, _ outcome: AskingOutcome) {
        guard let question = questions.removeValue(forKey: number) else { return }
        question.alarm.cancel()
        question.continuation.resume(returning: (outcome, .now() - question.askedAt))
    }

    static let noTrunk = Problem(
        code: "trunk.none", sentence: "No provider is set up on this box.",
        remedy: "Add the provider's account to sipcall.toml; until then *43, *44 and *45 work.")
}
