import Control
import SIP
import Settings
import Wire

/// One account with a provider, and the way to it.
struct TrunkLine {
    /// Where the provider is, and which of our addresses its route leaves from.
    struct Route: Equatable {
        var target: SIPPeer
        var local: NetworkAddress.Host
    }

    /// Another configuration makes another line, so that what was asked for the former one is not taken for its own.
    let number: UInt64
    var settings: TrunkSettings
    var selection: ProviderSelection
    var pace = CallPace()
    var status: TrunkStatus
    var route: Route?
    /// There is no route to the provider that was found.
    var isCutOff = false
    /// A registration failed here, and the next of the provider's servers is being asked.
    var isMovingOn = false
    /// Why the last connection to the provider did not come about, if the network said more than that.
    var connectionProblem: Problem?
    /// When the last connection to the provider was lost.
    var connectionLostAt: MonotonicTime?
    /// When the provider's name is looked up again, after that failed.
    var lookUpAgain: (at: MonotonicTime, delay: Duration)?
    /// Whether the provider of an account without registration is there; nil where nobody asks.
    var check: ReachabilityCheck?
    /// The provider of an account without registration took or made a call since it was found here.
    var isHeard = false
    /// Where the registrar sees us.
    var seenAt: NetworkAddress?

    var name: String { settings.name }

    init(_ settings: TrunkSettings, number: UInt64) {
        self.number = number
        self.settings = settings
        selection = ProviderSelection(settings)
        status = TrunkStatus(name: settings.name, state: .registering)
    }

    /// Whether the provider of an account without registration is there; nil where nobody knows.
    var answers: Bool? {
        guard !settings.registers else { return nil }
        return check.map(\.answers) ?? (isHeard ? true : nil)
    }

    /// When something is to be asked of the DNS.
    var deadline: MonotonicTime? { [selection.deadline, lookUpAgain?.at].compactMap(\.self).min() }

    /// Where the provider can be spoken to, in the order to be tried.
    func peers(at now: MonotonicTime) -> [SIPPeer] {
        selection.candidates(at: now).map {
            SIPPeer($0.target.transport, $0.target.address, name: $0.name)
        }
    }

    func isInGoodStanding(_ peer: SIPPeer, at now: MonotonicTime) -> Bool {
        selection.isInGoodStanding(.init(peer), at: now)
    }

    /// How long a call has to wait for the provider's pace.
    /// - Returns: nil for too long.
    func pause(at now: MonotonicTime) -> Duration? {
        settings.callsPerSecond.map { pace.wait($0, at: now) } ?? .zero
    }

    /// The account as the user agent wants it.
    func account(at peer: SIPPeer) -> Trunk {
        Trunk(
            name: settings.name, domain: settings.domain ?? settings.server, target: peer.address, user: settings.user,
            password: settings.password, authUser: settings.authUser, displayNumber: settings.number?.revealed,
            expires: settings.registers ? settings.expires : 0, realms: settings.realms, networks: settings.networks,
            serverName: peer.name, transport: peer.transport, identity: Trunk.Identity(settings.identity),
            prefersReliableProvisional: settings.prefersReliableProvisional)
    }
}

extension TargetSelection.Target {
    init(_ peer: SIPPeer) {
        self.init(transport: peer.transport, address: peer.address)
    }
}

extension Trunk.Identity {
    init(_ identity: ProviderPreset.Identity) {
        self =
            switch identity {
            case .from: .from
            case .assertedIdentity: .assertedIdentity
            case .preferredIdentity: .preferredIdentity
            case .remotePartyID: .remotePartyID
            }
    }
}
