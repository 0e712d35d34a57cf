package import SIPMessage
package import Wire

extension TransactionLayer {
    package enum Arrival: Equatable, Sendable {
        /// It belonged to a transaction.
        case absorbed([Effect])
        /// Nobody knows it yet.
        case new
    }

    /// Looks whether a request repeats or acknowledges something.
    package mutating func received(_ request: SIPRequest, now: MonotonicTime) -> Arrival {
        guard let facts = MessageFacts(request) else { return .absorbed([]) }
        // The ACK to a failure bears the INVITE's branch (§17.2.3).
        let identifier = facts.serverTransaction(method: facts.method == .ack ? .invite : facts.method)
        guard var server = servers[identifier] else { return .new }
        var effects: [Effect] = []
        switch server.machine {
        case .invite(var machine):
            let reactions =
                facts.method == .ack
                ? machine.receivedAcknowledgement(now: now)
                : machine.receivedRetransmission(hasResponse: server.response != nil)
            server.machine = .invite(machine)
            // An ACK to a 2xx is the dialog's, even from a client that reuses the branch for it.
            if reactions == [.deliverAcknowledgement] { return .new }
            if reactions == [.sendResponse], let response = server.response {
                effects.append(.send(response, to: server.replyTo))
            }
        case .other(var machine):
            if machine.receivedRetransmission() == [.sendResponse], let response = server.response {
                effects.append(.send(response, to: server.replyTo))
            }
            server.machine = .other(machine)
        }
        keep(server, as: identifier, &effects)
        return .absorbed(effects)
    }

    /// Starts a server transaction for a request that `received` called new.
    /// - Returns: nil when there are too many already: answer without one.
    package mutating func open(_ request: SIPRequest, from source: NetworkAddress) -> TransactionIdentifier? {
        guard servers.count < serverLimit, let facts = MessageFacts(request), facts.method != .ack else { return nil }
        let identifier = facts.serverTransaction(method: facts.method)
        guard servers[identifier] == nil else { return nil }
        let machine: ServerMachine =
            facts.method == .invite
            ? .invite(InviteServerTransaction(timers: timers, isReliable: facts.isReliable))
            : .other(NonInviteServerTransaction(timers: timers, isReliable: facts.isReliable))
        servers[identifier] = Server(machine: machine, replyTo: facts.replyAddress(source: source))
        return identifier
    }

    /// Answers a request.
    package mutating func respond(
        _ response: SIPResponse, to identifier: TransactionIdentifier, now: MonotonicTime
    ) -> [Effect] {
        guard var server = servers[identifier] else { return [] }
        let isSent: Bool
        switch server.machine {
        case .invite(var machine):
            isSent = machine.responded(status: response.status, now: now) == [.sendResponse]
            server.machine = .invite(machine)
        case .other(var machine):
            isSent = machine.responded(status: response.status, now: now) == [.sendResponse]
            server.machine = .other(machine)
        }
        guard isSent else { return [] }
        let bytes = response.serialized()
        server.response = bytes
        var effects: [Effect] = [.send(bytes, to: server.replyTo)]
        keep(server, as: identifier, &effects)
        return effects
    }

    /// Sends the last response once more, as reliable provisional ones need (RFC 3262 §3).
    package func repeatResponse(of identifier: TransactionIdentifier) -> [Effect] {
        guard let server = servers[identifier], let response = server.response else { return [] }
        return [.send(response, to: server.replyTo)]
    }

    /// The INVITE transaction that a CANCEL means (RFC 3261 §9.2), whatever its state.
    package func invite(cancelledBy request: SIPRequest) -> TransactionIdentifier? {
        guard let facts = MessageFacts(request) else { return nil }
        let identifier = facts.serverTransaction(method: .invite)
        return servers[identifier] == nil ? nil : identifier
    }

    /// Where the responses of a server transaction go.
    package func replyAddress(of identifier: TransactionIdentifier) -> NetworkAddress? { servers[identifier]?.replyTo }

    mutating func timePassed(_ old: Server, _ identifier: TransactionIdentifier, now: MonotonicTime) -> [Effect] {
        var server = old
        var effects: [Effect] = []
        switch server.machine {
        case .invite(var machine):
            for effect in machine.timePassed(to: now) {
                if effect == .sendResponse, let response = server.response {
                    effects.append(.send(response, to: server.replyTo))
                } else if effect == .reportTimeout {
                    effects.append(.failed(identifier, .timeout))
                }
            }
            server.machine = .invite(machine)
        case .other(var machine):
            machine.timePassed(to: now)
            server.machine = .other(machine)
        }
        keep(server, as: identifier, &effects)
        return effects
    }

    /// Stores what became of a server transaction, or buries it.
    mutating func keep(_ server: Server, as identifier: TransactionIdentifier, _ effects: inout [Effect]) {
        if server.isTerminated {
            servers[identifier] = nil
            deadlines.set(nil, for: identifier)
            effects.append(.ended(identifier))
        } else {
            servers[identifier] = server
            deadlines.set(server.nextDeadline, for: identifier)
        }
    }
}

extension TransactionLayer.Server {
    var isTerminated: Bool {
        switch machine {
        case .invite(let machine): machine.isTerminated
        case .other(let machine): machine.isTerminated
        }
    }

    var nextDeadline: MonotonicTime? {
        switch machine {
        case .invite(let machine): machine.nextDeadline
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
