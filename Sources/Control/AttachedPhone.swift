package import Call
package import Wire

/// What a phone socket finds when it is attached: nothing at the first time; after it was lost, what has gone on.
package struct AttachedPhone: Codable, Sendable, Equatable {
    /// A call that ended lately, perhaps while nobody could be told.
    package struct EndedCall: Codable, Sendable, Equatable {
        package var call: CallIdentifier
        package var reason: EndReason

        package init(call: CallIdentifier, reason: EndReason) {
            self.call = call
            self.reason = reason
        }
    }

    package var calls: [ControlSnapshot.OngoingCall]
    package var ended: [EndedCall]

    package init(calls: [ControlSnapshot.OngoingCall] = [], ended: [EndedCall] = []) {
        self.calls = calls
        self.ended = ended
    }
}
