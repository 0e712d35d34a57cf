import NIOPosix
import SDP
import SIPMessage
import SIPTransport
import Synchronization
import Wire

/// A provider on a real socket: grants every registration, answers BYE and CANCEL, and leaves the rest to the test.
final class ScriptedProvider: Sendable {
    let transport: SIPTransport
    private let heard = Mutex<[SIPMessage]>([])
    /// Picks up every call at once.
    let answersCalls = Atomic(false)
    /// What it answers instead, by method; 0 is silence.
    private let refusals = Mutex<[SIPMethod: (status: Int, retryAfter: Int?)]>([:])
    /// Keeps nothing of what it hears, for tests that count memory.
    let isForgetful = Atomic(false)

    /// What an INFO is answered with.
    let info = Atomic(200)
    /// What a REFER is answered with.
    let refer = Atomic(202)
    /// What every offer is answered with, if not with the mirror of what it says.
    let answerDirection = Mutex<MediaDirection?>(nil)
    /// The refusal of every re-INVITE; 0 accepts them.
    let holdAnswer = Atomic(0)

    private init(_ transport: SIPTransport) {
        self.transport = transport
    }

    static func open(
        at listen: NetworkAddress = NetworkAddress(host: .ipv4(0x7f00_0001), port: 0)
    ) async throws -> ScriptedProvider {
        let provider = ScriptedProvider(
            try await SIPTransport.open(listen: listen, on: MultiThreadedEventLoopGroup.singleton))
        Task {
            for await input in provider.transport.inputs {
                provider.transport.taken()
                if case .message(let message, let source) = input { provider.take(message, from: source.address) }
            }
        }
        return provider
    }

    var address: NetworkAddress { transport.localAddress }

    private func take(_ message: SIPMessage, from source: NetworkAddress) {
        if !isForgetful.load(ordering: .relaxed) { heard.withLock { $0.append(message) } }
        guard let request = message.request else { return }
        if let (status, retryAfter) = refusals.withLock({ $0[request.method] }) {
            if status > 0 {
                var answer = SIPResponse(to: request, status: status, toTag: "no")
                // Where a redirection would lead; nothing for any other.
                answer.headers.contact = NameAddress(SIPURI(user: "+499001234567", address: address))
                answer.headers.retryAfter = retryAfter
                transport.send(answer.serialized(), to: source)
            }
            return
        }
        var answer = SIPResponse(to: request, status: 200, toTag: "provider")
        switch request.method {
        case .register: answer.headers.copy(.contact, from: request.headers)
        case .bye, .cancel, .options, .notify: break
        case .info: answer = SIPResponse(to: request, status: info.load(ordering: .relaxed), toTag: "provider")
        case .invite where request.uri.sip?.user == "486":
            answer = SIPResponse(to: request, status: 486, toTag: "provider")
        case .invite where request.uri.sip?.user == "302":
            answer = SIPResponse(to: request, status: 302, toTag: "provider")
        case .refer: answer = SIPResponse(to: request, status: refer.load(ordering: .relaxed), toTag: "provider")
        case .invite where holdAnswer.load(ordering: .relaxed) != 0 && request.headers.to?.tag != nil:
            answer = SIPResponse(to: request, status: holdAnswer.load(ordering: .relaxed), toTag: "provider")
        case .invite where answersCalls.load(ordering: .relaxed):
            guard let body = request.body.isEmpty ? nil : try? SessionDescription(request.body),
                case (var description, _)? = try? TrunkAnswer.make(
                    to: body, local: NetworkAddress(host: address.host, port: 40_000), sessionID: 2, codecs: [.pcmu])
            else { return }
            answer.headers.contact = NameAddress(SIPURI(user: "gateway", address: address))
            if let direction = answerDirection.withLock({ $0 }), !description.media.isEmpty {
                description.media[0].attributes.removeAll { MediaDirection(rawValue: $0.name) != nil }
                description.media[0].attributes.append(.init(direction.rawValue))
            }
            answer.setBody(description.bytes)
        default: return
        }
        transport.send(answer.serialized(), to: source)
    }

    /// From now on all requests of this method are answered so; nil: as ever.
    func refuse(_ method: SIPMethod, with status: Int?, retryAfter: Int? = nil) {
        refusals.withLock { $0[method] = status.map { ($0, retryAfter) } }
    }

    /// How many requests of this method came, each counted once however often it was sent again.
    func count(_ method: SIPMethod) -> Int {
        heard.withLock {
            Set($0.compactMap(\.request).filter { $0.method == method }.map { $0.headers.topVia?.transactionBranch })
                .count
        }
    }

    func request(_ method: SIPMethod) -> SIPRequest? {
        heard.withLock { $0.lazy.compactMap(\.request).last { $0.method == method } }
    }

    /// What came first: the INVITE that began the call.
    func first(_ method: SIPMethod) -> SIPRequest? {
        heard.withLock { $0.lazy.compactMap(\.request).first { $0.method == method } }
    }

    var requests: [SIPRequest] { heard.withLock { $0.compactMap(\.request) } }
    var responses: [SIPResponse] { heard.withLock { $0.compactMap(\.response) } }

    /// The newest final response to the INVITE.
    var finalStatus: Int? {
        heard.withLock {
            $0.lazy.compactMap(\.response).last { !$0.isProvisional && $0.headers.cseq?.method == .invite }?.status
        }
    }

    /// As the caller, another offer in the call that the box answered.
    /// - Parameter sequence: above that of the request before; 1 was the INVITE.
    func offerAsCaller(_ sequence: UInt32, _ body: [UInt8]) {
        let answer = heard.withLock {
            $0.lazy.compactMap(\.response).first { $0.isSuccess && $0.headers.cseq?.method == .invite }
        }
        guard let headers = answer?.headers, let from = headers.from, let to = headers.to, let callID = headers.callID,
            case .sip(let target)? = headers.contact?.uri, let box = target.numericAddress
        else { return }
        var invite = SIPRequest(
            .invite, target, via: Via(sentBy: address, branch: Via.magicCookie + "again\(sequence)"), from: from,
            to: to,
            callID: callID, cseq: sequence)
        invite.headers.contact = NameAddress(SIPURI(user: "gateway", address: address))
        invite.setBody(body)
        transport.send(invite.serialized(), to: box)
    }

    /// As the caller, to the box's 200.
    func acknowledge() {
        let answer = heard.withLock { $0.lazy.compactMap(\.response).last { $0.headers.cseq?.method == .invite } }
        guard let headers = answer?.headers, let from = headers.from, let to = headers.to, let callID = headers.callID,
            case .sip(let target)? = headers.contact?.uri, let box = target.numericAddress
        else { return }
        let ack = SIPRequest(
            .ack, target, via: Via(sentBy: address, branch: Via.magicCookie + "ack"), from: from, to: to,
            callID: callID, cseq: headers.cseq?.number ?? 1)
        transport.send(ack.serialized(), to: box)
    }

    /// As the callee that answered the box's newest INVITE.
    func hangUp() {
        guard let invite = request(.invite), let from = invite.headers.from, var to = invite.headers.to,
            let contact = invite.headers.contact, let callID = invite.headers.callID
        else { return }
        to.parameters["tag"] = "provider"
        guard case .sip(let target) = contact.uri, let box = target.numericAddress else { return }
        let bye = SIPRequest(
            .bye, target, via: Via(sentBy: address, branch: Via.magicCookie + "bye"), from: to, to: from,
            callID: callID, cseq: 1)
        transport.send(bye.serialized(), to: box)
    }

    /// As the caller, whose call the box answered.
    func hangUpAsCaller() {
        let answer = heard.withLock {
            $0.lazy.compactMap(\.response).first { $0.isSuccess && $0.headers.cseq?.method == .invite }
        }
        guard let headers = answer?.headers, let from = headers.from, let to = headers.to, let callID = headers.callID,
            case .sip(let target)? = headers.contact?.uri, let box = target.numericAddress
        else { return }
        let bye = SIPRequest(
            .bye, target, via: Via(sentBy: address, branch: Via.magicCookie + "over"), from: from, to: to,
            callID: callID, cseq: 99)
        transport.send(bye.serialized(), to: box)
    }

    /// Calls the box.
    func call(
        _ box: NetworkAddress, over protocol: TransportProtocol = .udp, withOffer: Bool = true,
        replacing replaces: Replaces? = nil, branch: String = "call", asserted: String? = nil
    ) {
        let target = SIPURI(user: "alice", address: box)
        let own = SIPURI(user: "gateway", address: address)
        var invite = SIPRequest(
            .invite, target,
            via: Via(transport: `protocol`.viaName, sentBy: address, branch: Via.magicCookie + branch),
            from: NameAddress(SIPURI(user: "+493023125000", address: address), tag: "caller"), to: NameAddress(target),
            callID: branch, cseq: 1)
        invite.headers.contact = NameAddress(own)
        let offer = TrunkOffer.make(
            local: NetworkAddress(host: address.host, port: 40_000), sessionID: 1, version: 1, codecs: [.pcmu])
        invite.headers.replaces = replaces
        if let asserted { invite.headers.append(.pAssertedIdentity, asserted) }
        if withOffer { invite.setBody(offer.bytes) }
        transport.send(invite.serialized(), to: SIPPeer(`protocol`, box))
    }
}
