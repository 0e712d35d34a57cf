package import Wire

/// An account with a provider.
package struct TrunkSettings: Sendable, Equatable {
    /// How keys that are pressed here travel to the provider.
    package enum DigitTransport: String, Sendable, CaseIterable {
        /// As telephone-events (RFC 4733), or as tones where those were not agreed on.
        case sound = "telephone-event"
        /// INFO with `application/dtmf-relay`
        case message = "info"
    }

    /// How the page and the journal call it; no two have the same.
    package var name: String
    /// The preset that filled what the file does not say.
    package var preset: String?
    /// Of several accounts the one with the smallest is tried first, 1...100; among equals the first in the file.
    package var priority = 1
    /// The server that is spoken with: the provider's domain, or the proxy before it.
    package var server: String
    /// The provider's domain, as it stands in every Request-URI; nil for `server`.
    package var domain: String?
    /// Asked when `server` fails, in the same way.
    package var backupServer: String?
    /// 1...65535; nil where the DNS is to say (RFC 3263).
    package var port: UInt16?
    /// How SIP may travel there, the preferred first; never empty.
    package var transports: [TransportProtocol] = TransportProtocol.allCases
    /// PEM of the authorities that the provider's certificate is checked against; nil for those of the system.
    package var authorityFile: String?
    /// False for a provider that knows the box by its address, or asks for the password with each call.
    package var registers = true
    package var user: String
    /// The name in the credentials; nil for `user`.
    package var authUser: String?
    /// Empty without one: then no challenge is answered.
    package var password: Redacted<String>
    /// The only realms whose challenges are answered; empty for the provider's domain and whatever its registrar asks in.
    package var realms: [String] = []
    /// Calls from here are the provider's too.
    package var networks: [AddressBlock] = []
    /// The number shown to whoever is called; the user name if the file names none.
    package var number: Redacted<String>?
    /// Whoever is called is not told who calls, unless a call says otherwise (RFC 3323).
    package var hidesNumber = false
    /// The header that carries it.
    package var identity = ProviderPreset.Identity.from
    /// How numbers are written for this provider; nil for as they were dialled.
    package var numberFormat: ProviderPreset.NumberFormat?
    /// Seconds of registration asked for, 60...7200; the provider may grant another figure.
    package var expires = 300
    /// Seconds between two OPTIONS to a provider that wants no registration, 10...3600; nil for none at all.
    package var optionsInterval: Int? = 60
    /// Audio formats in order of preference: `pcmu`, `pcma`, `opus`.
    package var codecs = ["pcmu", "pcma"]
    /// New calls that the provider takes in a second, 1...1000; nil for any number.
    package var callsPerSecond: Int?
    package var digits = DigitTransport.sound
    /// Numbers of the provider's that play back what is said, and what is pressed: with them people prove an account.
    package var echoTest: String?
    package var digitTest: String?
    /// Provisional responses are made reliable for every caller that can (RFC 3262).
    package var prefersReliableProvisional = false

    package init(name: String, server: String, user: String, password: Redacted<String>) {
        self.name = name
        self.server = server
        self.user = user
        self.password = password
    }
}
