package import Wire

/// Where the media engine listens.
package struct MediaConfiguration: Sendable {
    /// The one UDP port for all browsers. Port 0 takes any free one; `[::]` serves IPv4 too.
    package var browserListen: NetworkAddress
    /// What the trunk's RTP sockets are bound to: one address of each family that is spoken.
    package var trunkListen: [NetworkAddress.Host]
    /// RTP takes an even port of these and RTCP the odd one above it (RFC 3550 §11).
    package var trunkPorts: ClosedRange<UInt16>

    package init(
        browserListen: NetworkAddress, trunkListen: [NetworkAddress.Host], trunkPorts: ClosedRange<UInt16>
    ) {
        self.browserListen = browserListen
        self.trunkListen = trunkListen
        self.trunkPorts = trunkPorts
    }
}

/// What the box itself can play to a leg.
package enum MediaService: String, Codable, Sendable {
    /// Sends a leg's sound and telephone-events back to it.
    case echo
    /// 1004 Hz at 0 dBm0 (ITU-T O.133, the digital milliwatt).
    case milliwatt
    /// Plays each pressed digit's tone pair back.
    case digitReadBack
    /// Says nothing, which keeps a router's or provider's path open while a call is held; until other sound passes.
    case silence
    /// A melody for somebody who waits.
    case music
}
