// Settings: the box's configuration file as typed values.
//
// In the room: the types, decoding from TOML, and errors that name file, line, key and remedy.
// Never in the room: sockets, lookups of names, defaults that depend on the machine.
package import Wire

/// Everything that `sipcall.toml` can say. A file that says nothing is a working box without a provider.
package struct BoxSettings: Sendable, Equatable {
    package var sip = SIPSettings()
    package var media = MediaSettings()
    package var web = WebSettings()
    /// Who is asked for the page's certificate; nil for nobody.
    package var acme: ACMESettings?
    package var dialling = DiallingRules()
    /// The accounts with providers, the one that is tried first at the front; without any only the services on the box
    /// can be called.
    package var trunks: [TrunkSettings] = []
    /// Where calls go that nobody here takes; nil keeps them here.
    package var forwarding: ForwardingSettings?
    package var ledger = LedgerKeeping()

    package init() {}

    /// The account that is tried first; to set it is to have no other.
    package var trunk: TrunkSettings? {
        get { trunks.first }
        set { trunks = newValue.map { [$0] } ?? [] }
    }
}

package struct SIPSettings: Sendable, Equatable {
    /// Where the box speaks SIP, over UDP and TCP: at least one address, at most one of each family. The family that stands
    /// first is preferred where a provider has addresses of both.
    package var listen = [
        NetworkAddress(host: .ipv4(0), port: 5060), NetworkAddress(host: .ipv6(high: 0, low: 0), port: 5060),
    ]
    /// Whether the file names them. Where it does not, the second family is done without if another program has its port.
    package var isListenNamed = false
    /// PEM files for SIP over TLS on port 5061; without them nobody is listened to there.
    package var certificate: String?
    package var key: String?

    package init() {}

    /// What is named as it would be anyway is no change.
    package static func == (one: SIPSettings, other: SIPSettings) -> Bool {
        one.listen == other.listen && one.certificate == other.certificate && one.key == other.key
    }
}

package struct MediaSettings: Sendable, Equatable {
    /// The one UDP port for all browsers.
    package var listen = NetworkAddress(host: .ipv4(0), port: 3478)
    /// The addresses offered to browsers and the provider; empty means every address of the machine.
    package var advertise: [NetworkAddress.Host] = []
    /// The first of them that is of this family.
    package func advertised(_ family: AddressFamily) -> NetworkAddress.Host? {
        advertise.first { $0.family == family }
    }

    /// UDP ports for RTP and RTCP towards the provider: two for each call.
    package var ports: ClosedRange<UInt16> = 20_000...20_999

    package init() {}
}

package struct WebSettings: Sendable, Equatable {
    package var listen = NetworkAddress(host: .ipv4(0x7f00_0001), port: 8080)
    /// The folder of the page.
    package var www = "/usr/share/sipcall/www"

    package init() {}
}
