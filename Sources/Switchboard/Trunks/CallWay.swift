import Wire

/// The way that an outbound call takes, and those that it tried before.
struct CallWay {
    /// The account's name.
    var trunk: String
    var peer: SIPPeer
    /// The address of ours that the call's sound is announced at.
    var local: NetworkAddress.Host
    /// Where the call was sent so far, by account: two of them may lead to one server.
    var tried: [String: Set<SIPPeer>] = [:]
    /// Accounts that refused the call wherever it might be sent.
    var exhausted: Set<String> = []
    /// The try is over for us, although its end was not told yet.
    var isGivenUp = false
    /// Seconds for which the server of this try wants to be left alone.
    var retryAfter: Int?

    /// More tries than this take longer than anybody waits.
    static let limit = 8

    var isLast: Bool { tried.values.reduce(0) { $0 + $1.count } >= Self.limit }
}
