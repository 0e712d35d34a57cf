import SIPMessage
package import Wire

/// Digits by INFO, for trunks that take them so (RFC 6086 and what came before it).
extension UserAgent {
    /// Sends a digit in the call. Several go one after the other, each when the last was answered.
    package mutating func sendDigit(
        _ leg: LegIdentifier, _ report: DigitReport, form: DigitReport.Form = .relay, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let state = legs[leg], !state.isOver else { return [] }
        guard state.isEstablished, legs[leg]?.digits.append(report, form) == true else {
            return [.event(.digitsRefused(leg, status: 491))]
        }
        nextDigit(leg, now: now, using: &generator)
        return drain()
    }

    private mutating func nextDigit(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard let tag = legs[leg]?.connected?.dialog.remoteTag, let next = legs[leg]?.digits.next() else { return }
        let (body, type) = next.report.body(next.form)
        run(
            Errand(leg, tag, .info, .sendingDigit, body: body, type: type), now: now,
            using: &generator)
    }

    mutating func digitAnswered(
        _ leg: LegIdentifier, _ status: Int, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard status < 300 else {
            legs[leg]?.digits.refused()
            return outbox.append(.event(.digitsRefused(leg, status: status)))
        }
        legs[leg]?.digits.answered()
        nextDigit(leg, now: now, using: &generator)
    }

    /// - Returns: the status to answer with, and what is told then. An INFO without a body asks nothing: some use it to
    ///   see whether we live.
    mutating func receivedInfo(_ leg: LegIdentifier, _ request: SIPRequest) -> (Int, UserAgentEvent?) {
        guard !request.body.isEmpty else { return (200, nil) }
        guard let type = request.headers.contentType, type.type == "application",
            DigitReport.Form(rawValue: type.subtype) != nil
        else { return (415, nil) }
        guard let report = DigitReport(body: request.body, type: type) else { return (400, nil) }
        return (200, legs[leg]?.isOver == false ? .digit(leg, Redacted(report)) : nil)
    }
}
