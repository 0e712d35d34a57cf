package import Call
package import Wire

/// What the core tells the web process without being asked.
package enum ControlEvent: Codable, Sendable, Equatable {
    case trunk(TrunkStatus)
    /// Rings the page of this phone socket.
    case incoming(
        connection: ConnectionIdentifier, call: CallIdentifier, from: Redacted<String>, name: Redacted<String>?,
        verification: CallerVerification? = nil)
    /// Rings the page of this phone socket for a call that the box is to make when it picks up.
    case summons(connection: ConnectionIdentifier, call: CallIdentifier, to: Redacted<String>)
    case state(connection: ConnectionIdentifier, call: CallIdentifier, state: CallState)
    /// Who holds the call now: the person at the page, the far side, both, or again nobody.
    case held(connection: ConnectionIdentifier, call: CallIdentifier, here: Bool, there: Bool)
    /// The last event of a call.
    case ended(connection: ConnectionIdentifier, call: CallIdentifier, reason: EndReason)
    /// Something that the user should know while the call goes on.
    case notice(connection: ConnectionIdentifier, call: CallIdentifier, problem: Problem)
    /// A digit that the box heard from the page.
    case digit(connection: ConnectionIdentifier, call: CallIdentifier, digit: String)
    /// The far end's codec (`opus`, `pcmu`, `pcma`): the page switches its sender to it.
    case codec(connection: ConnectionIdentifier, call: CallIdentifier, codec: String)
    /// For whoever watches the box; pages are told by the events above.
    case box(BoxEvent)
    /// Sealed records wait for the ledger.
    case recordsWait
}

/// What is, when a control connection begins: whoever missed events starts again from here.
package struct ControlSnapshot: Codable, Sendable, Equatable {
    /// One call that a phone socket takes part in, inbound ones that still ring included.
    package struct OngoingCall: Codable, Sendable, Equatable {
        package var connection: ConnectionIdentifier
        package var call: CallIdentifier
        package var state: CallState
        /// Set for an inbound call.
        package var from: Redacted<String>?
        package var name: Redacted<String>?
        package var verification: CallerVerification?
        /// Set for a call that the pages are summoned to.
        package var to: Redacted<String>?
        package var direction: Call.Direction
        /// Whom a page that has lost everything shows: the number or service that was dialled, or the caller.
        package var party: Redacted<String>?
        /// Seconds since the answer; nil before it.
        package var talkSeconds: Double?
        /// Whoever is called is not told who calls.
        package var isHidden: Bool

        package init(
            connection: ConnectionIdentifier, call: CallIdentifier, state: CallState,
            from: Redacted<String>? = nil, name: Redacted<String>? = nil, verification: CallerVerification? = nil,
            to: Redacted<String>? = nil, direction: Call.Direction = .inbound, party: Redacted<String>? = nil,
            talkSeconds: Double? = nil, isHidden: Bool = false
        ) {
            self.connection = connection
            self.call = call
            self.state = state
            self.from = from
            self.name = name
            self.verification = verification
            self.to = to
            self.direction = direction
            self.party = party
            self.talkSeconds = talkSeconds
            self.isHidden = isHidden
        }
    }

    package var trunk: TrunkStatus
    package var calls: [OngoingCall]
    /// No new calls are taken.
    package var draining: Bool
    /// The core is that of a new box: its ports are shut until it is told ``ControlCommand/claimed``. Nil is false.
    package var waitsToBeClaimed: Bool?

    package init(trunk: TrunkStatus, calls: [OngoingCall] = [], draining: Bool = false) {
        self.trunk = trunk
        self.calls = calls
        self.draining = draining
    }
}
