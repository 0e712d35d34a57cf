/// Which way media flows, seen by the party that says it (RFC 3264 §5.1).
package enum MediaDirection: String, Codable, Sendable, CaseIterable {
    case sendrecv, sendonly, recvonly, inactive

    package init(sends: Bool, receives: Bool) {
        self =
            switch (sends, receives) {
            case (true, true): .sendrecv
            case (true, false): .sendonly
            case (false, true): .recvonly
            case (false, false): .inactive
            }
    }

    package var sends: Bool { self == .sendrecv || self == .sendonly }
    package var receives: Bool { self == .sendrecv || self == .recvonly }

    /// The same flow seen from the other end.
    package var mirrored: Self { Self(sends: receives, receives: sends) }
}
