package import Wire

extension UserAgent {
    /// What names a leg's messages on the wire, for whoever keeps them; nil for a leg that is not known or is over.
    package func callID(of leg: LegIdentifier) -> String? { legs[leg]?.key.callID }
}
