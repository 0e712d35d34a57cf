package import Call
package import Wire

/// The provider account, as it stands.
package struct TrunkStatus: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// No account is configured.
        case none
        case registering, registered, failed
        /// The provider is found and wants no registration; ``TrunkStatus/answers`` says more.
        case ready
    }

    /// The account's name in the configuration; empty without an account.
    package var name: String
    package var state: State
    /// Why the state is `failed`.
    package var problem: Problem?
    /// Seconds that the provider granted.
    package var expires: Int?
    /// Where the provider is spoken to: `udp:192.0.2.1:5060`.
    package var target: String?

    /// Of an account without registration: whether its provider is there, by its answers to OPTIONS and in calls. Nil where
    /// nothing was heard yet.
    package var answers: Bool?
    /// Of an account without registration: whether its provider is asked by OPTIONS.
    package var isAsked: Bool?

    /// Calls can go out by it.
    package var isUsable: Bool { state == .registered || state == .ready }

    package init(name: String = "", state: State = .none, problem: Problem? = nil, expires: Int? = nil) {
        self.name = name
        self.state = state
        self.problem = problem
        self.expires = expires
    }
}

/// One call, as the box's owner may see it on a screen that others can see too.
package struct CallStatus: Codable, Sendable, Equatable {
    package var call: CallIdentifier
    package var direction: Call.Direction
    package var state: CallState
    /// The number called or calling, masked (``Redacted/masked``), or a service's code.
    package var far: String
    /// Since it began.
    package var seconds: Int
    /// Since it was answered.
    package var talkSeconds: Int?
    /// The account that it goes by; nil for a service of the box.
    package var trunk: String?

    package init(
        call: CallIdentifier, direction: Call.Direction, state: CallState, far: String, seconds: Int, talkSeconds: Int?
    ) {
        self.call = call
        self.direction = direction
        self.state = state
        self.far = far
        self.seconds = seconds
        self.talkSeconds = talkSeconds
    }
}

/// A part of the core that answers, but cannot do what it is there for.
package struct DegradedPart: Codable, Sendable, Equatable {
    /// As people call it: `storage`.
    package var part: String
    package var problem: Problem

    package init(part: String, problem: Problem) {
        self.part = part
        self.problem = problem
    }
}

/// Figures about the core that a healthy box returns to after every call.
package struct BoxStatus: Codable, Sendable, Equatable {
    package var version: String
    package var uptimeSeconds: Int
    /// The account that the next call goes out by; of several the first that can take one.
    package var trunk: TrunkStatus
    /// Every account, in the order in which they are tried.
    package var trunks: [TrunkStatus] = []
    package var calls: Int
    package var legs: Int
    /// SIP dialogs and transactions.
    package var dialogs: Int
    package var transactions: Int
    /// What the media loop holds.
    package var mediaLegs: Int
    package var mediaSockets: Int
    /// Opus encoders and decoders together.
    package var opusStates: Int
    /// Of the core's process.
    package var openDescriptors: Int
    package var threads: Int
    package var residentBytes: Int
    /// Pages that can be rung.
    package var pages: Int
    /// The oldest calls, at most ``mostListed``.
    package var list: [CallStatus]

    package static let mostListed = 500
    /// No new calls are taken.
    package var draining = false
    /// Calls through the provider that were dialled here, and how many may be at once.
    package var callsDialled = 0
    package var callsDialledLimit = 0
    /// What was found out about providers, by the account's name.
    package var measured: [String: ProviderMeasurements] = [:]
    /// Where SIP is spoken, one address of each family, the preferred one first.
    package var listens: [NetworkAddress]?
    /// When the core began, as the wall clock stood then.
    package var started: WallTime?
    /// Nobody has claimed the box: its ports are shut. Nil is false.
    package var waitsToBeClaimed: Bool?
    /// What the core can do only in part; empty on a healthy box.
    package var degraded: [DegradedPart] = []

    package init(
        version: String, uptimeSeconds: Int = 0, trunk: TrunkStatus = TrunkStatus(), calls: Int = 0, legs: Int = 0,
        dialogs: Int = 0, transactions: Int = 0, mediaLegs: Int = 0, mediaSockets: Int = 0, opusStates: Int = 0,
        openDescriptors: Int = 0, threads: Int = 0, residentBytes: Int = 0, pages: Int = 0, list: [CallStatus] = []
    ) {
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.trunk = trunk
        self.calls = calls
        self.legs = legs
        self.dialogs = dialogs
        self.transactions = transactions
        self.mediaLegs = mediaLegs
        self.mediaSockets = mediaSockets
        self.opusStates = opusStates
        self.openDescriptors = openDescriptors
        self.threads = threads
        self.residentBytes = residentBytes
        self.pages = pages
        self.list = list
    }
}
