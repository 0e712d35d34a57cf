import Wire

/// What can be wrong with a certificate that somebody gives the page. Nothing is changed by any of these.
enum CertificateProblem {
    static let tooLarge = Problem(
        code: "certificate.too-large",
        sentence: "Certificate and key together are larger than 64 KiB, or there are more than 8 certificates.",
        remedy: "Give the page's certificate and those between it and the authority, without anything else.")
    static let notPEM = Problem(
        code: "certificate.not-pem", sentence: "The certificate is not readable: it is not text in PEM form.",
        remedy: "It begins with -----BEGIN CERTIFICATE-----; the authority offers it as PEM, Apache or nginx.")
    static let noKey = Problem(
        code: "certificate.no-key", sentence: "There is no private key that can be used.",
        remedy: "Give the key that the certificate was asked for with: RSA or ECDSA, in PEM form.")
    static let encryptedKey = Problem(
        code: "certificate.encrypted-key", sentence: "The private key is protected by a password.",
        remedy: "Remove the password first: openssl pkey -in KEY -out PLAIN-KEY")
    static let otherKey = Problem(
        code: "certificate.other-key", sentence: "The private key does not belong to the certificate.",
        remedy: "Give the page's own certificate first, and the key that it was asked for with.")
    static let brokenChain = Problem(
        code: "certificate.broken-chain",
        sentence: "The certificates are no chain: one of them was not signed by the one behind it.",
        remedy: "Put the page's own first, then the authority's, as in the file fullchain.pem.")
    static let notYetValid = Problem(
        code: "certificate.not-yet-valid", sentence: "The certificate is not valid yet.",
        remedy: "Check the clock of this machine: timedatectl")
    static let expired = Problem(
        code: "certificate.expired", sentence: "The certificate has expired.", remedy: "Have the authority renew it.")
    static let notForServers = Problem(
        code: "certificate.not-for-servers", sentence: "The certificate is not one for web servers.",
        remedy: "Ask the authority for one with the usage TLS server (serverAuth).")
    static let withoutNames = Problem(
        code: "certificate.without-names",
        sentence: "The certificate names no host: browsers look at its alternative names only.",
        remedy: "Ask the authority for one with the page's host name as subject alternative name.")
    static let notServed = Problem(
        code: "certificate.not-served", sentence: "The page is served without TLS here: it has no certificate.",
        remedy: "Give the certificate to the web server in front of the box, or free port 443 and restart sipcall-web.")
    static let badChallenge = Problem(
        code: "certificate.bad-challenge", sentence: "This is no challenge of an ACME server.",
        remedy: "Look at the journal of sipcall-acme for what came before.")
}
