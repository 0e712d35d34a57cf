/// What a provider does not publish, found out by use: the newest figures of one account.
package struct ProviderMeasurements: Codable, Sendable, Equatable {
    /// Seconds that its registrar granted.
    package var grantedExpires: Int?
    /// Seconds of the session timer that it agreed to in a call (RFC 4028).
    package var sessionInterval: Int?
    /// Seconds that it wants a session timer to have at least (Min-SE of its 422, RFC 4028 §6).
    package var minimumSession: Int?
    /// The status of its answer to OPTIONS.
    package var optionsStatus: Int?
    /// The audio formats that its calls came to, in the order of their first use.
    package var codecs: [String] = []
    /// The hosts that it announced its sound at, the newest last.
    package var mediaSources: [String] = []

    package static let mostSources = 32

    package init() {}

    package mutating func heard(codec: String, from source: String) {
        if !codecs.contains(codec) { codecs.append(codec) }
        guard mediaSources.last != source else { return }
        mediaSources.removeAll { $0 == source }
        mediaSources.append(source)
        mediaSources.removeFirst(max(0, mediaSources.count - Self.mostSources))
    }
}
