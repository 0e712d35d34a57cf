import Call
import Control
import SIP
import SIPMessage
import SIPTrace
import SIPTransport
import Settings
import Wire

// What was said and heard, for `sipcall trace`.
extension Switchboard {
    /// Text in one answer to a trace: with what JSON adds it fits a frame.
    private static let mostTraceBytes = 96 * 1024
    /// Whoever follows a ladder asks several times a second; that numbers were shown is told once in so long.
    private static let numbersToldFor: Duration = .seconds(60)

    /// A message came.
    func traceReceived(_ message: SIPMessage, from peer: SIPPeer) {
        guard !transport.isOwnProbe(peer.address) else { return }
        trace.record(.message(message), .received, peer, isProvider: isProvider(peer.address.host), at: .now())
    }

    /// A message leaves.
    func traceSent(_ bytes: [UInt8], to peer: SIPPeer) {
        guard !transport.isOwnProbe(peer.address) else { return }
        trace.record(.bytes(bytes), .sent, peer, isProvider: isProvider(peer.address.host), at: .now())
    }

    /// A leg's messages belong to this call from now on.
    func traceLeg(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        guard let callID = userAgent.callID(of: leg), let ongoing = calls[identifier] else { return }
        trace.claim(
            callID, for: .call(identifier),
            TraceFacts(isInbound: ongoing.call.direction == .inbound, far: ongoing.farNumber ?? Redacted("")))
    }

    private func isProvider(_ host: NetworkAddress.Host) -> Bool {
        lines.contains { $0.route?.target.address.host == host } || retiredTargets.contains { $0.address.host == host }
    }

    func traceList() -> ControlReply {
        .traces(
            TraceList(
                stories: trace.list(most: TraceList.most), strangers: trace.strangers,
                malformed: transport.counters.malformed))
    }

    /// - Parameter name: `registration`, `others`, or the first characters of a call's name.
    func trace(_ name: String, after number: UInt64, _ showing: TraceShowing) throws(Problem) -> ControlReply {
        let subject = try traceSubject(name)
        guard let summary = trace.summary(of: subject) else { throw Self.nothingTraced }
        if showing.numbers { noteNumbers(of: subject) }
        let (messages, isAll) = trace.messages(
            of: subject, after: number, showing: showing, mostBytes: Self.mostTraceBytes)
        var call: CallIdentifier?
        if case .call(let identifier) = subject { call = identifier }
        return .trace(
            TraceReport(
                summary: summary, local: lines.lazy.compactMap(\.route?.local).first, messages: messages, isAll: isAll,
                isOver: call.map { calls[$0] == nil } ?? false))
    }

    private func traceSubject(_ name: String) throws(Problem) -> TraceSubject {
        switch name {
        case "registration": return .registration
        case "others": return .others
        default:
            let found = trace.calls(beginningWith: name)
            guard let first = found.first else { throw Self.nothingTraced }
            guard found.count == 1 else { throw Self.ambiguousTrace }
            return first
        }
    }

    private func noteNumbers(of subject: TraceSubject) {
        let now = MonotonicTime.now()
        if let told = numbersTold, told.subject == subject, now - told.at < Self.numbersToldFor { return }
        numbersTold = (subject, now)
        var call: CallIdentifier?
        if case .call(let identifier) = subject { call = identifier }
        record(.traceNumbers, call)
    }

    static let nothingTraced = Problem(
        code: "trace.unknown", sentence: "Nothing is known of this call any more.",
        remedy: "\"sipcall trace\" lists what is; the oldest calls give way to new ones, and a restart forgets all.")
    static let ambiguousTrace = Problem(
        code: "trace.ambiguous", sentence: "Several calls have a name that begins like this.",
        remedy: "Give more of the name; \"sipcall trace\" lists the calls.")
}
