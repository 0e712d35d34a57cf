import FoundationEssentials
import Glibc
import Settings
import Subprocess
import WebAPI
import Wire

/// One order for a certificate (RFC 8555 §7.4), which uacme(1) carries out. Account, keys and certificates stay in its folder.
struct CertificateOrder {
    private let acme: ACMESettings
    private let folder: String
    /// Called for each challenge; it calls `sipcall certificate challenge`.
    private static let hook = "/usr/libexec/sipcall/acme-challenge"

    /// - Parameter folder: root's alone.
    init(_ acme: ACMESettings, folder: String) {
        (self.acme, self.folder) = (acme, folder)
    }

    private var name: String { acme.names.first ?? "" }
    var chain: String { "\(folder)/\(name)/cert.pem" }
    var key: String { "\(folder)/private/\(name)/key.pem" }

    /// Whether the certificate that was got last is good for longer than until then, in seconds since 1970.
    func endsLater(than end: Int64) -> Bool {
        guard let chain = readText(chain), let key = readText(key),
            let got = try? GivenCertificate(chain: chain, key: Redacted(key))
        else { return false }
        return got.end.timeIntervalSince1970 > Double(end) + 1
    }

    /// - Returns: whether there is a new certificate.
    /// - Throws: `certificate.no-client`, `certificate.order-failed`.
    func run(force: Bool) async throws(Problem) -> Bool {
        if access("\(folder)/private/key.pem", F_OK) != 0 {
            let contact = acme.email.map { [$0] } ?? []
            guard try await uacme(["new"] + contact) == 0 else { throw Self.failed(acme.directory) }
        }
        switch try await uacme((force ? ["--force"] : []) + ["issue"] + acme.names) {
        case 0: return true
        case 1: return false
        default: throw Self.failed(acme.directory)
        }
    }

    /// Its words go to standard error: into the journal, when a timer started this.
    private func uacme(_ arguments: [String]) async throws(Problem) -> Int {
        let usual = [
            "--confdir", folder, "--acme-url", acme.directory, "--hook", Self.hook, "--type", "EC", "--days", "30",
            "--yes",
            "--verbose",
        ]
        do {
            let done = try await Subprocess.run(
                .name("uacme"), arguments: Arguments(usual + arguments), output: .discarded,
                error: .currentStandardError)
            guard case .exited(let code) = done.terminationStatus else { return 2 }
            return Int(code)
        } catch {
            throw Problem(
                code: "certificate.no-client", sentence: "The program uacme, which gets certificates, cannot be run.",
                remedy: "Install it: sudo apt install uacme")
        }
    }

    private static func failed(_ directory: String) -> Problem {
        Problem(
            code: "certificate.order-failed",
            sentence: "The authority at \(directory) gave no certificate; the present one is used on.",
            remedy: "See its words above. The name must lead to this box, and port 80 must be open from the Internet.")
    }
}
