package import Call
package import Wire

/// One thing that happened on the box, for whoever watches it: a call's progress, the provider, the pages, the
/// heartbeat. Scripts read it as a JSON line; the same events are the calls' lines in the journal.
package struct BoxEvent: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// A person or the provider wants a call; `direction` and `far` are known.
        case callCreated = "call.created"
        /// A call from the provider was turned away, or one from here was not dialled (`direction`), before it became one;
        /// `code` says why.
        case callRefused = "call.refused"
        /// The pages here ring; the far side is dialled when one of them picks up.
        case callSummoning = "call.summoning"
        case callDialling = "call.dialling"
        case callRinging = "call.ringing"
        /// Sound comes from the far side before its answer.
        case callEarly = "call.early"
        /// `codec` is that of the far side.
        case callAnswered = "call.answered"
        /// `side` holds the call from now on.
        case callHeld = "call.held"
        /// `side` holds it no more.
        case callResumed = "call.resumed"
        /// Somebody else has taken the place of the far side: `far` is the new one.
        case callTransferred = "call.transferred"
        /// Somebody pressed a key: `side` says who.
        case callDigit = "call.digit"
        /// Something worth knowing that does not end the call: `code` and `sentence`.
        case callNotice = "call.notice"
        /// The last event of a call but for `call.sound`: `code`, `sentence`, `talkMilliseconds`, `digits`.
        case callEnded = "call.ended"
        /// What went over one side of an ended call.
        case callSound = "call.sound"
        case trunkRegistering = "trunk.registering"
        case trunkRegistered = "trunk.registered"
        /// `code` and `sentence` say why.
        case trunkFailed = "trunk.failed"
        case trunkUnregistered = "trunk.unregistered"
        /// The provider was found, and wants no registration.
        case trunkReady = "trunk.ready"
        /// A page that can be rung; `pages` counts all of them.
        case phoneAttached = "phone.attached"
        case phoneDetached = "phone.detached"
        /// Somebody had the SIP messages shown with the telephone numbers in them; of `call`, if it was one.
        case traceNumbers = "trace.numbers"
        /// Every 20 seconds: `calls`, `pages`, `uptimeSeconds`, `residentBytes`.
        case boxHeartbeat = "box.heartbeat"
    }

    /// One side of a call: the page here, or the provider's end.
    package enum Side: String, Codable, Sendable {
        case near, far
    }

    /// Figures of one side's sound.
    package struct Sound: Codable, Sendable, Equatable {
        package var packetsIn: UInt64
        package var packetsOut: UInt64
        /// Packets that should have come and did not; negative when some came twice.
        package var lost: Int
        package var jitterMilliseconds: Double

        package init(packetsIn: UInt64, packetsOut: UInt64, lost: Int, jitterMilliseconds: Double) {
            self.packetsIn = packetsIn
            self.packetsOut = packetsOut
            self.lost = lost
            self.jitterMilliseconds = jitterMilliseconds
        }
    }

    /// Grows by one with each event from 1 at the core's start.
    package var number: UInt64
    package var time: WallTime
    package var kind: Kind

    package var call: CallIdentifier?
    package var direction: Call.Direction?
    /// The number called or calling, at most 64 characters.
    package var far: Redacted<String>?
    /// Of a call that comes in: what the provider found out about its number.
    package var verification: CallerVerification?
    /// The code of a service of the box, where that is the far side: `*43`.
    package var service: String?
    /// Of a `Problem` or an `EndReason`.
    package var code: String?
    package var sentence: String?
    package var codec: String?
    package var side: Side?
    /// The key that was pressed: people type secrets with them.
    package var digit: Redacted<String>?
    /// From the answer to the end; missing for a call that was never answered.
    package var talkMilliseconds: Int64?
    /// How many keys were pressed during the call.
    package var digits: Int?
    package var sound: Sound?
    /// Refused calls that had no event of their own, because there were too many.
    package var unreported: Int?

    /// The account that this is about, or that the call goes by.
    package var trunk: String?
    package var pages: Int?
    package var calls: Int?
    package var uptimeSeconds: Int?
    package var residentBytes: Int?

    package init(number: UInt64, time: WallTime, kind: Kind) {
        self.number = number
        self.time = time
        self.kind = kind
    }
}

extension BoxEvent.Kind {
    package init?(_ state: CallState) {
        switch state {
        case .summoning: self = .callSummoning
        case .dialling: self = .callDialling
        case .ringing: self = .callRinging
        case .early: self = .callEarly
        case .active: self = .callAnswered
        case .ended: return nil
        }
    }
}
