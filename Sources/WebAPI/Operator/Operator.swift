import Glibc
import HTTPTypes
import Hummingbird
import NIOCore

/// Who asks through the operator's socket: a person or program on this machine that the kernel vouches for. Such a request needs
/// no session and acts as the owner; the name is what the audit log keeps.
///
/// In a user namespace of its own (`PrivateUsers=`) a process sees every other user but root as 65534 (user_namespaces(7)). The
/// name is then what the command says of itself, and marked as such; that the person may ask at all, the kernel has decided by
/// the socket's mode and group.
struct Operator: Sendable, Equatable {
    static let nameHeader = HTTPField.Name("SIPCall-Operator")
    /// `/proc/sys/kernel/overflowuid`
    private static let unknown: uid_t = 65_534

    let name: String
    /// Root, or this process's own user; the kernel tells both also in a user namespace.
    let isPrivileged: Bool

    /// - Parameters:
    ///   - mayBeAnyone: the socket's mode decided who may connect; otherwise only root and this process's own user may.
    ///   - claim: what the command calls the person who started it.
    /// - Returns: nil for a user who may not ask.
    init?(_ peer: PeerCredentials, mayBeAnyone: Bool, claim: String?) {
        isPrivileged = peer.user == 0 || peer.user == geteuid()
        guard mayBeAnyone || peer.user == 0 || peer.user == geteuid() else { return nil }
        let claim = claim.flatMap { Self.isName($0) ? $0 : nil }
        guard peer.user != Self.unknown else {
            name = claim.map { "\($0) (not verified)" } ?? "somebody of the group sipcall"
            return
        }
        let known = userName(peer.user) ?? "user \(peer.user)"
        name = claim == nil || claim == known ? known : "\(known) (\(claim ?? ""))"
    }

    private static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// `struct ucred` (unix(7)), which the C library shows to GNU programs only.
struct PeerCredentials: Sendable {
    var process: pid_t = 0
    var user: uid_t = uid_t.max
    var group: gid_t = gid_t.max

    /// Of whoever connected.
    static func of(_ channel: any Channel) async -> PeerCredentials? {
        guard let socket = channel as? any SocketOptionProvider else { return nil }
        return try? await socket.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED)).get()
    }
}

/// - Returns: nil for a user that this machine does not know.
package func userName(_ user: UInt32) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
        guard let start = buffer.baseAddress, getpwuid_r(user, &entry, start, buffer.count, &found) == 0,
            found != nil, let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }
}
