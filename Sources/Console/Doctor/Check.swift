import Synchronization
package import Wire

/// What a check found, with the way out.
package struct Finding: Sendable, Equatable {
    package enum Verdict: String, Codable, Sendable, CaseIterable {
        case ok
        /// It works, but not as it should.
        case warning
        /// Something that the box is there for does not work.
        case fault
        /// Not found out; the sentence says why.
        case unchecked = "not checked"
    }

    package var verdict: Verdict
    package var sentence: String
    /// Empty where nothing is to be done.
    package var remedy: String
    /// What there is to say of each single thing, a line each.
    package var details: [String]

    package init(_ verdict: Verdict, _ sentence: String, remedy: String = "", details: [String] = []) {
        self.verdict = verdict
        self.sentence = sentence
        self.remedy = remedy
        self.details = details
    }

    package init(_ verdict: Verdict, _ problem: Problem) {
        self.init(verdict, problem.sentence, remedy: problem.remedy)
    }
}

/// One thing that the doctor looks at.
package struct Check: Sendable {
    /// Stable, for programs: `clock`.
    package var name: String
    /// As people call it: `Clock`.
    package var title: String
    package var deadline: Duration
    package var look: @Sendable () async -> Finding

    package init(
        _ name: String, _ title: String, deadline: Duration = .seconds(5), look: @escaping @Sendable () async -> Finding
    ) {
        self.name = name
        self.title = title
        self.deadline = deadline
        self.look = look
    }

    /// What the check found, or that it took too long. One that does not come back is left behind.
    package func run() async -> Examination {
        let start = ContinuousClock.now
        let (look, deadline) = (look, deadline)
        let finding: Finding = await withCheckedContinuation { continuation in
            let once = Once(continuation)
            let alarm = Task {
                try? await Task.sleep(for: deadline)
                guard !Task.isCancelled else { return }
                once.resume(
                    Finding(.unchecked, "This was not found out within \(deadline.nanoseconds / 1_000_000_000) s."))
            }
            Task {
                once.resume(await look())
                alarm.cancel()
            }
        }
        return Examination(
            check: name, title: title, verdict: finding.verdict, sentence: finding.sentence, remedy: finding.remedy,
            details: finding.details.isEmpty ? nil : finding.details,
            milliseconds: Int((ContinuousClock.now - start).nanoseconds / 1_000_000))
    }
}

/// A continuation that two may want to resume.
private final class Once: Sendable {
    private let continuation: Mutex<CheckedContinuation<Finding, Never>?>

    init(_ continuation: CheckedContinuation<Finding, Never>) {
        self.continuation = Mutex(continuation)
    }

    func resume(_ finding: Finding) {
        let first = continuation.withLock { held in
            defer { held = nil }
            return held
        }
        first?.resume(returning: finding)
    }
}

/// A check with what it found.
package struct Examination: Codable, Sendable, Equatable {
    package var check: String
    package var title: String
    package var verdict: Finding.Verdict
    package var sentence: String
    package var remedy: String
    package var details: [String]?
    package var milliseconds: Int

    /// Runs all checks side by side.
    /// - Parameter progress: called with each result as it comes.
    /// - Returns: the results in the order of the checks.
    package static func examine(
        _ checks: [Check], progress: @Sendable (Examination) -> Void = { _ in }
    ) async -> [Examination] {
        await withTaskGroup(of: (Int, Examination).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await check.run()) }
            }
            var results: [(Int, Examination)] = []
            for await result in group {
                progress(result.1)
                results.append(result)
            }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    package func lines(_ style: Style) -> [String] {
        let mark =
            switch verdict {
            case .ok: style.good("ok")
            case .warning: style.warning("warning")
            case .fault: style.bad("fault")
            case .unchecked: style.faint("not checked")
            }
        let room = String(repeating: " ", count: max(1, 13 - verdict.rawValue.count))
        let first = "\(mark)\(room)\(title.padded(18))\(sentence)"
        let more = (remedy.isEmpty ? [] : [remedy]) + (details ?? [])
        return [first] + more.map { String(repeating: " ", count: 31) + $0 }
    }
}
