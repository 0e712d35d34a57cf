import SIPMessage
import Wire

extension UserAgent {
    /// What this user agent understands; for Allow.
    static let methods: [SIPMethod] = [
        .invite, .ack, .cancel, .bye, .options, .info, .update, .prack, .refer, .notify,
    ]

    /// Which extensions it understands; for Supported.
    var extensions: [String] { asksOwner ? ["100rel", "timer", "replaces"] : ["100rel", "timer"] }

    /// What a request insists on and is not to be had here.
    func unsupported(_ request: SIPRequest) -> [String] { request.headers.require.filter { !extensions.contains($0) } }

    /// A Via with a branch that nobody can guess.
    /// - Parameter dialog: that the request belongs to, if any.
    func via(
        _ trunk: Trunk, in dialog: Dialog? = nil, using generator: inout some RandomNumberGenerator
    ) -> Via {
        let transport = dialog?.caller?.transport ?? trunk.transport
        var via = Via(
            transport: transport.viaName, sentBy: local(trunk),
            branch: Via.magicCookie + hexadecimal(bytes: 12, using: &generator))
        // Requests for us may come back over our connection (RFC 5923 §5).
        if transport.isReliable { via.parameters.insert(flag: "alias") }
        return via
    }

    /// Where a request inside a dialog goes. Over a connection always to the trunk, or to whichever other server of the
    /// provider's called: what was agreed with it, its certificate above all, is not given up for an address that a
    /// message names.
    func nextHop(of dialog: Dialog, _ trunk: Trunk) -> NetworkAddress {
        let peer = dialog.caller ?? trunk.peer
        return peer.transport.isReliable ? peer.address : dialog.nextHop(fallback: peer.address)
    }

    /// Where we say that we are: our own address, or behind NAT the one that the registrar sees.
    func contactAddress(_ trunk: Trunk) -> NetworkAddress {
        let local = local(trunk)
        // What is seen over one family says nothing of the other.
        guard let seenAt = ways[trunk.name]?.seenAt, seenAt.family == local.family else { return local }
        // Nobody listens for TLS here: the way to us is the connection on which the registrar sees us.
        return trunk.transport == .tls || local.host.isPrivate && !seenAt.host.isPrivate ? seenAt : local
    }

    /// - Parameter isPrivate: Contact hides who calls, as From does (RFC 3323 §4.1.1.1).
    func contact(_ trunk: Trunk, isPrivate: Bool = false) -> NameAddress {
        var uri = SIPURI(user: isPrivate ? "anonymous" : trunk.user, address: contactAddress(trunk))
        if trunk.transport.isReliable { uri.parameters["transport"] = trunk.transport.rawValue }
        return NameAddress(uri)
    }

    /// `sip:user@domain` with the provider's name, never its address.
    static func uri(_ trunk: Trunk, user: String?) -> SIPURI {
        guard var uri = try? SIPURI("sip:\(trunk.domain)") else {
            return SIPURI(user: user, host: SIPHost(trunk.target.host))
        }
        uri.user = user
        return uri
    }

    /// The way that the registrar wants requests outside of dialogs to take (RFC 3608 §6.1). Where another server takes
    /// the call that one's way is not known.
    func serviceRoute(_ trunk: Trunk) -> [NameAddress] {
        guard let account = account(trunk.name).flatMap({ accounts[$0] }), account.trunk.domain == trunk.domain,
            account.trunk.peer == trunk.peer, account.trunk.user == trunk.user
        else { return [] }
        return account.serviceRoute
    }

    /// What all our requests that make or change a dialog or a binding say.
    func describe(_ headers: inout SIPHeaders, contact: NameAddress) {
        headers.contact = contact
        headers.allow = Self.methods
        headers.supported = extensions
        headers.append(.userAgent, product)
    }

    /// A response with our tag, and with what belongs to its status.
    /// - Parameter contact: for what makes or changes a dialog.
    func response(
        to request: SIPRequest, _ status: Int, tag: String, contact: NameAddress? = nil, body: [UInt8] = []
    ) -> SIPResponse {
        var response = SIPResponse(to: request, status: status, toTag: tag)
        if let contact, (101...299).contains(status) { response.headers.contact = contact }
        switch status {
        case 200, 405, 501: response.headers.allow = Self.methods
        case 415:
            response.headers.append(.accept, request.method == .info ? DigitReport.accepted : "application/sdp")
        case 420: response.headers.append(.unsupported, unsupported(request).joined(separator: ", "))
        case 422: response.headers.minSE = SessionTimer.minimum
        case 489: response.headers.append(.allowEvents, "refer")
        case 500: response.headers.retryAfter = 1
        case 503: response.headers.retryAfter = 5
        default: break
        }
        if (101...299).contains(status) { response.headers.supported = extensions }
        if status == 200, request.method == .options { response.headers.append(.accept, "application/sdp") }
        response.headers.append(.server, product)
        if !body.isEmpty { response.setBody(body) }
        return response
    }

    /// Answers without keeping anything (RFC 3261 §8.2.7): a repetition gets the same answer.
    mutating func respondStatelessly(_ status: Int, to request: SIPRequest, from source: NetworkAddress) {
        guard request.method != .ack, let facts = MessageFacts(request) else { return }
        // FNV-1a: the tag only has to be the same each time.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (facts.branch + facts.callID).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let response = response(to: request, status, tag: String(hash, radix: 16))
        outbox.append(.send(response.serialized(), to: facts.replyAddress(source: source)))
    }

    /// Answers within a transaction of its own; without one when there are too many.
    mutating func respond(
        _ response: SIPResponse, to request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        apply(layer.respond(response, to: transaction, now: now), now: now, using: &generator)
    }

    /// Starts a client transaction, and notes what it is for before anything can come back.
    mutating func send(
        _ request: SIPRequest, to target: NetworkAddress, for use: Use, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> TransactionIdentifier? {
        guard let (identifier, effects) = layer.send(request, to: target, now: now) else { return nil }
        uses[identifier] = use
        apply(effects, now: now, using: &generator)
        return identifier
    }
}

extension SIPHeaders {
    /// The challenges that a 401 or 407 carries; none if they cannot be read.
    func challenges(_ status: Int) -> [Challenge] {
        (try? status == 407 ? proxyChallenges() : wwwChallenges()) ?? []
    }

    /// Puts new credentials in the place of old ones.
    mutating func setCredentials(_ fields: [Field]) {
        self[.authorization] = nil
        self[.proxyAuthorization] = nil
        for field in fields { append(field) }
    }
}
