package import SIP
package import Wire

extension DNSClient {
    /// Where a provider is, looked up once (RFC 3263).
    /// - Parameters:
    ///   - port: as configured; nil where the DNS is to say.
    ///   - transports: that may be spoken, the preferred first.
    /// - Throws: `sip.name-unknown`, or `sip.name-lookup-failed` when a name server did not answer.
    package func targets(
        of domain: String, port: UInt16?, transports: [TransportProtocol]
    ) async throws(Problem) -> [TargetSelection.Target] {
        var generator = SystemRandomNumberGenerator()
        var selection = TargetSelection(domain: domain, port: port, transports: transports, tries: 1)
        var waiting = selection.start(now: .now(), using: &generator)
        while let effect = waiting.popLast() {
            guard case .lookUp(let query) = effect else { continue }
            let finding = await ask(query)
            waiting += selection.answered(
                query, finding.answer, lifetime: finding.lifetime, now: .now(), using: &generator)
        }
        let targets = selection.candidates(at: .now())
        if targets.isEmpty { throw selection.isUnanswered ? NameLookup.failed : NameLookup.unknown }
        return targets
    }
}
