import Glibc
import NIOSSL
import Wire

/// Why a TLS connection to a provider did not come about, in words that the owner can act on.
enum TLSProblem {
    static let wrongName = Problem(
        code: "trunk.certificate-name",
        sentence: "The provider's certificate is for another name than trunk.server.",
        remedy: """
            Write trunk.server exactly as the provider does. A certificate for *.example.net does not do for SIP \
            (RFC 5922); if the provider has no other, use transport = "tcp" or ask the provider.
            """)
    static let expired = Problem(
        code: "trunk.certificate-expired", sentence: "The provider's certificate has expired.",
        remedy: "Check the box's clock (timedatectl); if it is right, only the provider can renew the certificate.")
    static let notYetValid = Problem(
        code: "trunk.certificate-early", sentence: "The provider's certificate is not valid yet.",
        remedy: "Check the box's clock (timedatectl); it may be behind.")
    static let unknownAuthority = Problem(
        code: "trunk.certificate-authority",
        sentence: "The provider's certificate comes from an authority that this machine does not know.",
        remedy:
            "If the provider has an authority of its own, put its certificate into a file and name it in trunk.ca_file."
    )
    static let noName = Problem(
        code: "trunk.certificate-name", sentence: "There is no name that a certificate could be checked for.",
        remedy: "Write the provider's name in trunk.server.")
    static let handshake = Problem(
        code: "trunk.tls-failed", sentence: "The provider's server did not agree to TLS 1.2 or newer.",
        remedy: "Check the port (5061 as a rule), and with the provider that TLS is switched on for the account.")

    /// - Parameter certificate: what the server showed, if it came that far.
    static func handshakeFailed(_ error: any Error, certificate: NIOSSLCertificate?) -> Problem {
        // The library has no value for it, only its text.
        guard "\(error)".contains("CERTIFICATE_VERIFY_FAILED") else { return handshake }
        let now = time(nil)
        if let certificate, certificate.notValidAfter < now { return expired }
        if let certificate, certificate.notValidBefore > now { return notYetValid }
        return unknownAuthority
    }
}
