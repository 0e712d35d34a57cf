package import SIPMessage
package import Wire

extension TransactionLayer {
    /// Starts a client transaction. The request's topmost Via has a branch of its own, or, for CANCEL, that of
    /// the INVITE.
    /// - Returns: nil for a request without what every request must say.
    package mutating func send(
        _ request: SIPRequest, to target: NetworkAddress, now: MonotonicTime
    ) -> (identifier: TransactionIdentifier, effects: [Effect])? {
        guard let facts = MessageFacts(request), facts.method != .ack else { return nil }
        let identifier = TransactionIdentifier.client(branch: facts.branch, method: facts.method)
        guard clients[identifier] == nil else { return nil }
        let bytes = request.serialized()
        let machine: ClientMachine =
            facts.method == .invite
            ? .invite(InviteClientTransaction(timers: timers, isReliable: facts.isReliable, now: now))
            : .other(NonInviteClientTransaction(timers: timers, isReliable: facts.isReliable, now: now))
        let client = Client(machine: machine, request: request, bytes: bytes, target: target)
        clients[identifier] = client
        deadlines.set(client.nextDeadline, for: identifier)
        return (identifier, [.send(bytes, to: target)])
    }

    /// Hands a response to its transaction; what matches none is dropped (RFC 3261 §18.1.2).
    package mutating func received(
        _ response: SIPResponse, from source: NetworkAddress, now: MonotonicTime
    ) -> [Effect] {
        guard let facts = MessageFacts(response) else { return [] }
        let identifier = TransactionIdentifier.client(branch: facts.branch, method: facts.method)
        guard var client = clients[identifier] else { return [] }
        var effects: [Effect] = []
        switch client.machine {
        case .invite(var machine):
            for effect in machine.receivedResponse(status: response.status, now: now) {
                switch effect {
                case .deliverResponse: effects.append(.response(identifier, response, from: source))
                case .sendAcknowledgement:
                    let bytes = client.acknowledgement ?? client.request.acknowledgement(to: response).serialized()
                    client.acknowledgement = bytes
                    effects.append(.send(bytes, to: client.target))
                case .sendRequest, .reportTimeout, .reportTransportFailure: break
                }
            }
            client.machine = .invite(machine)
        case .other(var machine):
            for effect in machine.receivedResponse(status: response.status, now: now)
            where effect == .deliverResponse {
                effects.append(.response(identifier, response, from: source))
            }
            client.machine = .other(machine)
        }
        keep(client, as: identifier, &effects)
        return effects
    }

    /// Whether a request of ours has no final response yet, OPTIONS aside: nothing hangs on its answer.
    package var awaitsResponse: Bool { clients.values.contains { $0.request.method != .options && $0.awaitsResponse } }

    /// The request of a transaction that still lives.
    package func request(of identifier: TransactionIdentifier) -> SIPRequest? { clients[identifier]?.request }

    /// Where the request of a transaction that still lives went.
    package func target(of identifier: TransactionIdentifier) -> NetworkAddress? { clients[identifier]?.target }

    /// Cancels an INVITE that has a provisional response, and gives it up after 64·T1 (RFC 3261 §9.1).
    /// - Parameter reason: why (RFC 3326).
    package mutating func cancel(
        _ identifier: TransactionIdentifier, reason: SIPReason? = nil, now: MonotonicTime
    ) -> [Effect] {
        guard var client = clients[identifier], client.abandonAt == nil, case .invite(let machine) = client.machine,
            machine.state == .proceeding
        else { return [] }
        client.abandonAt = now + timers.transactionTimeout
        var effects: [Effect] = []
        keep(client, as: identifier, &effects)
        var cancellation = client.request.cancellation
        if let reason { cancellation.headers.append(.reason, reason.text) }
        return effects + (send(cancellation, to: client.target, now: now)?.effects ?? [])
    }

    mutating func timePassed(_ old: Client, _ identifier: TransactionIdentifier, now: MonotonicTime) -> [Effect] {
        var client = old
        var effects: [Effect] = []
        switch client.machine {
        case .invite(var machine):
            for effect in machine.timePassed(to: now) {
                switch effect {
                case .sendRequest: effects.append(.send(client.bytes, to: client.target))
                case .reportTimeout: effects.append(.failed(identifier, .timeout))
                case .sendAcknowledgement, .deliverResponse, .reportTransportFailure: break
                }
            }
            if let abandonAt = client.abandonAt, abandonAt <= now, machine.state == .proceeding {
                machine.abandoned()
                effects.append(.failed(identifier, .timeout))
            }
            client.machine = .invite(machine)
        case .other(var machine):
            for effect in machine.timePassed(to: now) {
                switch effect {
                case .sendRequest: effects.append(.send(client.bytes, to: client.target))
                case .reportTimeout: effects.append(.failed(identifier, .timeout))
                case .deliverResponse, .reportTransportFailure: break
                }
            }
            client.machine = .other(machine)
        }
        keep(client, as: identifier, &effects)
        return effects
    }

    /// Stores what became of a client transaction, or buries it.
    mutating func keep(_ client: Client, as identifier: TransactionIdentifier, _ effects: inout [Effect]) {
        if client.isTerminated {
            clients[identifier] = nil
            deadlines.set(nil, for: identifier)
            effects.append(.ended(identifier))
        } else {
            clients[identifier] = client
            deadlines.set(client.nextDeadline, for: identifier)
        }
    }
}

extension TransactionLayer.Client {
    var awaitsResponse: Bool {
        switch machine {
        case .invite(let machine):
            switch machine.state {
            case .calling, .proceeding: true
            case .completed, .accepted, .terminated: false
            }
        case .other(let machine):
            switch machine.state {
            case .trying, .proceeding: true
            case .completed, .terminated: false
            }
        }
    }

    var isTerminated: Bool {
        switch machine {
        case .invite(let machine): machine.isTerminated
        case .other(let machine): machine.isTerminated
        }
    }

    var nextDeadline: MonotonicTime? {
        switch machine {
        case .invite(let machine): machine.nextDeadline ?? abandonAt
        case .other(let machine): machine.nextDeadline
        }
    }

    mutating func transportFailed(_ identifier: TransactionIdentifier) -> [TransactionLayer.Effect] {
        let isReported: Bool
        switch machine {
        case .invite(var inner):
            isReported = inner.transportFailed() == [.reportTransportFailure]
            machine = .invite(inner)
        case .other(var inner):
            isReported = inner.transportFailed() == [.reportTransportFailure]
            machine = .other(inner)
        }
        return isReported ? [.failed(identifier, .transport)] : []
    }
}
