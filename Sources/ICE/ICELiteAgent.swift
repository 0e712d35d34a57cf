package import Wire

/// What to do after a datagram of STUN.
package enum ICEAction: Equatable, Sendable {
    /// Nothing is to be sent.
    case ignore
    /// Send the first `length` bytes of the reply buffer back to where the check came from.
    /// - nominated: this check made its source the address to send media to (USE-CANDIDATE).
    case reply(length: Int, nominated: Bool)
}

/// One browser leg's half of ICE, lite (RFC 8445 §2.5): it answers checks, sends none, gathers nothing.
/// ```
///            valid check                    USE-CANDIDATE from another validated address
///  waiting ───────────────▶ validated ──────────────▶ nominated ◀──┐
///                (DTLS and SRTP may flow)   (media goes there)  └──┘
/// ```
/// The peer's candidates are not asked for: whoever passes integrity with our password is the peer. A lite
/// agent is always controlled, so a peer that says the same is told to switch (487).
package struct ICELiteAgent: Sendable {
    /// Why checks were not answered, or not with success.
    package struct Counters: Equatable, Sendable {
        package var answered: UInt64 = 0
        /// Not STUN, not a whole message, or a wrong FINGERPRINT.
        package var malformed: UInt64 = 0
        /// A response, an indication, or another method than Binding.
        package var notACheck: UInt64 = 0
        /// USERNAME is missing or not `ours:theirs`.
        package var wrongUsername: UInt64 = 0
        /// MESSAGE-INTEGRITY or FINGERPRINT is missing, or the password is another.
        package var wrongIntegrity: UInt64 = 0
        package var roleConflict: UInt64 = 0
        package var unknownAttribute: UInt64 = 0

        package init() {}
    }

    /// An address that passed a check.
    private struct Validated: Sendable {
        var address: NetworkAddress
        var lastCheck: MonotonicTime
    }

    /// The longest local username fragment that ``usernameFragment(of:)`` gives out: what Swift keeps in a String
    /// without allocating. The box's own have 8.
    package static let longestUsernameFragment = 15
    /// A peer has few addresses at a time; the one silent for longest makes room for a new one.
    package static let mostValidatedAddresses = 8
    /// The largest reply: 487 with its reason. A success takes 64 bytes, 76 to an IPv6 address.
    package static let longestReply = 128

    private let usernameFragment: String
    private let remoteUsernameFragment: String?
    private let key: STUNKey
    private var validated: [Validated] = []
    /// Where media is to go; nil before the first nomination.
    package private(set) var nominated: NetworkAddress?
    /// When the last valid check came, from any address: the peer's consent (RFC 7675) is as fresh as this.
    package private(set) var lastCheck: MonotonicTime?
    package private(set) var counters = Counters()

    /// - Parameter remoteUsernameFragment: nil while the peer's description has not come: then only our half of
    ///   USERNAME is compared.
    package init(usernameFragment: String, password: String, remoteUsernameFragment: String?) {
        self.usernameFragment = usernameFragment
        self.remoteUsernameFragment = remoteUsernameFragment
        key = STUNKey(password: password)
        validated.reserveCapacity(Self.mostValidatedAddresses)
    }

    /// Whether DTLS and SRTP from this address may be listened to.
    package func isValidated(_ address: NetworkAddress) -> Bool {
        validated.contains { $0.address == address }
    }

    /// Where to send before a nomination: the address validated last.
    package var preferred: NetworkAddress? {
        nominated ?? validated.max { $0.lastCheck < $1.lastCheck }?.address
    }

    /// Takes one datagram.
    /// - Parameter reply: at least ``longestReply`` bytes; in a smaller one some answers do not fit and are left out.
    package mutating func received(
        _ bytes: UnsafeRawBufferPointer, from source: NetworkAddress, now: MonotonicTime,
        reply: UnsafeMutableRawBufferPointer
    ) -> ICEAction {
        let message: STUNMessage
        do throws(STUNError) {
            message = try STUNMessage(bytes)
        } catch {
            counters.malformed &+= 1
            return .ignore
        }
        guard message.messageClass == .request, message.method == STUNMessage.bindingMethod else {
            counters.notACheck &+= 1
            return .ignore
        }
        guard let username = message.username, isForUs(username) else {
            counters.wrongUsername &+= 1
            return .ignore
        }
        guard message.hasFingerprint, message.isIntact(key: key) else {
            counters.wrongIntegrity &+= 1
            return .ignore
        }
        do throws(WireError) {
            return try answer(message, from: source, now: now, reply: reply)
        } catch {
            return .ignore
        }
    }

    private mutating func answer(
        _ message: STUNMessage, from source: NetworkAddress, now: MonotonicTime, reply: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> ICEAction {
        if let type = message.firstUnknownRequired {
            counters.unknownAttribute &+= 1
            var writer = try STUNWriter(reply, .error, transaction: message.transaction)
            try writer.errorCode(420, "Unknown Attribute")
            try writer.unknownAttribute(type)
            return .reply(length: try writer.finish(key: key), nominated: false)
        }
        if message.controlled != nil {
            counters.roleConflict &+= 1
            var writer = try STUNWriter(reply, .error, transaction: message.transaction)
            try writer.errorCode(487, "Role Conflict")
            return .reply(length: try writer.finish(key: key), nominated: false)
        }
        var writer = try STUNWriter(reply, .success, transaction: message.transaction)
        try writer.mappedAddress(source)
        let length = try writer.finish(key: key)
        counters.answered &+= 1
        validate(source, now: now)
        lastCheck = now
        let isNew = message.useCandidate && nominated != source
        if isNew { nominated = source }
        return .reply(length: length, nominated: isNew)
    }

    private mutating func validate(_ source: NetworkAddress, now: MonotonicTime) {
        if let index = validated.firstIndex(where: { $0.address == source }) {
            validated[index].lastCheck = now
            return
        }
        if validated.count >= Self.mostValidatedAddresses {
            let others = validated.indices.filter { validated[$0].address != nominated }
            if let oldest = others.min(by: { validated[$0].lastCheck < validated[$1].lastCheck }) {
                validated.remove(at: oldest)
            }
        }
        validated.append(Validated(address: source, lastCheck: now))
    }

    /// `ours:theirs` (RFC 8445 §7.2.2), compared byte by byte.
    private func isForUs(_ username: UnsafeRawBufferPointer) -> Bool {
        guard let colon = username.firstIndex(of: UInt8(ascii: ":")),
            username[..<colon].elementsEqual(usernameFragment.utf8)
        else { return false }
        guard let remoteUsernameFragment else { return true }
        return username[(colon + 1)...].elementsEqual(remoteUsernameFragment.utf8)
    }

    /// Finds whose leg a check is for, before any cryptography and without allocation.
    /// - Returns: our half of USERNAME if the datagram is a Binding request that bears one of at most
    ///   ``longestUsernameFragment`` bytes; nil for everything else.
    package static func usernameFragment(of bytes: UnsafeRawBufferPointer) -> String? {
        guard STUNMessage.isPlausible(bytes) else { return nil }
        var reader = ByteReader(bytes)
        do throws(WireError) {
            guard try reader.readUInt16() == STUNMessage.bindingMethod else { return nil }
            try reader.skip(STUNMessage.headerLength - 2)
            while reader.remaining > 0 {
                let type = try reader.readUInt16()
                let length = Int(try reader.readUInt16())
                let value = try reader.readBytes(length)
                if type == STUNAttribute.username {
                    guard let colon = value.firstIndex(of: UInt8(ascii: ":")), colon <= longestUsernameFragment
                    else { return nil }
                    return String(decoding: value[..<colon], as: UTF8.self)
                }
                try reader.skip(-length & 3)
            }
        } catch {
            return nil
        }
        return nil
    }
}
