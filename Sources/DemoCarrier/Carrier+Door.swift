import SIP
import SIPMessage
import SIPTransport
import Wire

/// What a provider asks of strangers before they may do anything: REGISTER (RFC 3261 §10.3) and a new INVITE.
extension Carrier {
    func register(_ unnoted: SIPRequest, from source: NetworkAddress) {
        var request = unnoted
        request.note(source: source)
        guard let facts = MessageFacts(request) else { return }
        let target = facts.replyAddress(source: source)
        let now = MonotonicTime.now()
        guard request.headers.to?.uri.user == user else {
            return transport.send(Doorkeeper.response(to: request, facts, status: 404).serialized(), to: target)
        }
        switch doorkeeper.received(request, facts, challengedWith: 401, now: now, using: &generator) {
        case .refused(let response):
            if response.status == 403 { Program.say("A registration was refused: the user name or password is wrong.") }
            transport.send(response.serialized(), to: target)
        case .repeated(let answer):
            if let answer { transport.send(answer, to: target) }
        case .admitted:
            let answer = registered(request, facts, from: source, now: now).serialized()
            doorkeeper.answered(facts, with: answer)
            transport.send(answer, to: target)
        }
    }

    private func registered(
        _ request: SIPRequest, _ facts: MessageFacts, from source: NetworkAddress, now: MonotonicTime
    ) -> SIPResponse {
        switch registrar.received(request, from: source, now: now) {
        case .malformed: return Doorkeeper.response(to: request, facts, status: 400)
        case .outOfOrder: return Doorkeeper.response(to: request, facts, status: 500)
        case .done(let isNews):
            var response = Doorkeeper.response(to: request, facts, status: 200)
            for contact in registrar.contacts(now: now) { response.headers.append(.contact, contact.text) }
            if isNews {
                Program.say(
                    registrar.bindings.isEmpty
                        ? "The registration was taken back."
                        : "The user \"\(user)\" registered from \(source).")
            }
            if !registrar.bindings.isEmpty, let callAfter {
                callBacks.append(now + callAfter)
                self.callAfter = nil
            }
            return response
        }
    }

    /// An INVITE that begins a call.
    func admit(_ unnoted: SIPRequest, from source: NetworkAddress) {
        var request = unnoted
        request.note(source: source)
        guard let facts = MessageFacts(request) else { return }
        switch doorkeeper.received(request, facts, challengedWith: 407, now: .now(), using: &generator) {
        case .refused(let response):
            if response.status == 403 { Program.say("A call was refused: the user name or password is wrong.") }
            // The ACK to it comes with a tag that the user agent does not know, and is dropped there.
            transport.send(response.serialized(), to: facts.replyAddress(source: source))
        case .repeated, .admitted:
            useTrunk(towards: registrar.bindings.last { $0.source.host == source.host }, at: source)
            handOver(.request(unnoted), from: source)
        }
    }

    /// The user agent speaks to one peer at a time; calls that are going on keep theirs.
    ///
    /// It is a trunk that wants no REGISTER, seen from the other side: the registered user is the "provider".
    func useTrunk(towards binding: Registrar.Binding?, at source: NetworkAddress) {
        var domain = SIPURI(address: source)
        if let binding { domain = SIPURI(host: binding.contact.host, port: binding.contact.port) }
        let trunk = Trunk(
            name: user, domain: String(domain.text.dropFirst("sip:".count)), target: source, user: user,
            password: Redacted(""), displayNumber: Self.number, expires: 0)
        perform(userAgent.setTrunk(trunk, now: .now(), using: &generator))
    }

    /// Whom the user sees calling: from the block that is kept for films (Bundesnetzagentur, Berlin).
    private static let number = "+493023125000"
}
