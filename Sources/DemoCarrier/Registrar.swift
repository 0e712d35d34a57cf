import SIPMessage
import Wire

/// Where the one user is to be reached (RFC 3261 §10.3).
struct Registrar: Sendable {
    struct Binding: Sendable {
        var contact: SIPURI
        /// Where the REGISTER came from; calls go there, for the contact may lie behind NAT.
        var source: NetworkAddress
        var until: MonotonicTime
        var callID: String
        var sequence: UInt32
    }

    enum Outcome: Equatable {
        /// - `isNews`: something other than a refresh happened.
        case done(isNews: Bool)
        /// 400: contacts that make no sense.
        case malformed
        /// 500: an older REGISTER of the same series came late (RFC 3261 §10.3 step 7).
        case outOfOrder
    }

    /// Seconds granted at most.
    static let longest = 300
    /// The oldest binding goes when there are more.
    private static let limit = 8

    /// The newest last.
    private(set) var bindings: [Binding] = []

    /// The one to call.
    var newest: Binding? { bindings.last }

    var nextDeadline: MonotonicTime? { bindings.map(\.until).min() }

    /// Lets bindings end whose time is over.
    /// - Returns: how many did.
    mutating func advance(to now: MonotonicTime) -> Int {
        let before = bindings.count
        bindings.removeAll { $0.until <= now }
        return before - bindings.count
    }

    /// Takes a REGISTER whose sender has proved who he is.
    mutating func received(_ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime) -> Outcome {
        guard let callID = request.headers.callID, let sequence = request.headers.cseq?.number,
            let contacts = try? request.headers.contacts()
        else { return .malformed }
        let isLate = bindings.contains { $0.callID == callID && $0.sequence >= sequence }
        guard !isLate else { return .outOfOrder }
        switch contacts {
        case .all:
            guard request.headers.expires == 0 else { return .malformed }
            defer { bindings = [] }
            return .done(isNews: !bindings.isEmpty)
        case .list(let addresses):
            var isNews = false
            for address in addresses {
                guard let contact = address.uri.sip else { return .malformed }
                let asked = address.expires ?? request.headers.expires ?? Self.longest
                let known = bindings.firstIndex { $0.contact.isEquivalent(to: contact) }
                let former = known.map { bindings.remove(at: $0) }
                if asked > 0 {
                    bindings.append(
                        Binding(
                            contact: contact, source: source, until: now + .seconds(min(asked, Self.longest)),
                            callID: callID, sequence: sequence))
                }
                isNews = isNews || (asked > 0) != (former != nil)
            }
            if bindings.count > Self.limit { bindings.removeFirst(bindings.count - Self.limit) }
            return .done(isNews: isNews)
        }
    }

    /// For the Contact fields of the 200: every binding with the seconds that it has left.
    func contacts(now: MonotonicTime) -> [NameAddress] {
        bindings.map { binding in
            var address = NameAddress(binding.contact)
            // Rounded up: a binding made this very moment has all its seconds.
            address.expires = Int(((binding.until - now).nanoseconds + 999_999_999) / 1_000_000_000)
            return address
        }
    }
}
