import Glibc
import SDP

/// Test data that lies beside the repository, `../shared` from its root.
enum Corpus {
    static let browserOffers = ["offer-opus", "offer-pcmu", "offer-firefox-opus"].map { "rigs/browser/\($0).sdp" }
    static let aiortc = [
        "audio_chrome", "audio_dtls_session_level", "audio_firefox", "audio_freeswitch", "audio_freeswitch_no_dtls",
        "audio_ice_lite", "audio_ice_session_level_credentials", "audio_rtcp_without_port", "datachannel_firefox",
        "datachannel_firefox_63", "safari", "video_chrome", "video_firefox", "video_session_star_rtcp_fb",
    ].map { "corpora/sdp/aiortc/\($0).sdp" }

    /// - Returns: nil, said loudly, where the data is not there.
    static func read(_ path: String, file: StaticString = #filePath) -> [UInt8]? {
        let parts = "\(file)".split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        let name = parts.joined(separator: "/") + "/shared/" + path
        guard let handle = fopen(name, "rb") else {
            print("SKIPPED: no test data at \(name)")
            return nil
        }
        defer { fclose(handle) }
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        let count = fread(&bytes, 1, bytes.count, handle)
        return Array(bytes[..<count])
    }
}

/// A provider's description, from what differs between tests.
func trunkSDP(_ media: String, session: String = "c=IN IP4 192.0.2.9\n") throws(SDPError) -> SessionDescription {
    try SessionDescription("v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\n\(session)t=0 0\n\(media)\n")
}
