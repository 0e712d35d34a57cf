import FoundationEssentials
import Glibc
package import Wire

/// Where the way in to a new box is left: `web/setup-token`, for root and the web process alone.
package enum SetupNote {
    /// What an owner reads.
    static func text(_ link: String) -> String {
        "SIPCall waits to be claimed by its owner. The link is good once, for 24 hours.\nOpen \(link) to set it up.\n"
    }

    /// - Returns: nil when no token was left, or it has served.
    package static func last(in stateDirectory: String) -> Redacted<String>? {
        guard let data = FileManager.default.contents(atPath: path(in: stateDirectory)), data.count <= 1024 else {
            return nil
        }
        return Redacted(String(decoding: data, as: UTF8.self))
    }

    static func path(in stateDirectory: String) -> String { stateDirectory + "/web/setup-token" }

    static func forget(in stateDirectory: String) { unlink(path(in: stateDirectory)) }

    /// What stands behind `#` is never sent to a server nor kept in its log.
    package static func link(_ url: String, _ token: Redacted<String>) -> String { "\(url)#setup=\(token.revealed)" }
}
