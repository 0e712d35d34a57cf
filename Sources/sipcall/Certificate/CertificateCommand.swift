import ArgumentParser
import Console
import FoundationEssentials
import WebAPI
import Wire

/// `sipcall certificate`: the certificate of the page.
struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "Show, give, renew or remove the certificate of the page.",
        subcommands: [
            CertificateShowCommand.self, CertificateInstallCommand.self, CertificateRemoveCommand.self,
            CertificateRenewCommand.self, CertificateChallengeCommand.self,
        ], defaultSubcommand: CertificateShowCommand.self)
}

/// `sipcall certificate show`
struct CertificateShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the certificate that the page has.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() async throws {
        let state = try await OperatorClient(box).json(.init("/api/v1/certificate"), as: CertificateState.self)
        if json { try LineOutput.write(json: state) } else { try state.write() }
    }
}

/// `sipcall certificate install CHAIN KEY`
struct CertificateInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Give the page a certificate; it is used at once, and no connection is cut.")

    @OptionGroup var box: BoxOptions

    @Argument(help: "The certificates in PEM form, the page's own first (fullchain.pem).")
    var chain: String

    @Argument(help: "The private key in PEM form, without a password.")
    var key: String

    func run() async throws {
        try await OperatorClient(box).install(chain: chain, key: key).write()
    }
}

/// `sipcall certificate remove`
struct CertificateRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Go back to the certificate that the box made itself.")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        let request = OperatorClient.Request("/api/v1/certificate", method: "DELETE")
        try await OperatorClient(box).json(request, as: CertificateState.self).write()
    }
}

extension OperatorClient {
    /// - Parameters:
    ///   - chain: a file in PEM.
    ///   - key: likewise.
    /// - Throws: `certificate.no-file`, and what the web process refuses it with.
    func install(chain: String, key: String) async throws(Problem) -> CertificateState {
        let gift = CertificateGift(chain: try Self.text(chain), key: Redacted(try Self.text(key)))
        guard let body = try? JSONEncoder().encode(gift) else { throw Self.noFile(chain) }
        return try await json(
            Request("/api/v1/certificate", method: "PUT", body: Array(body)), as: CertificateState.self)
    }

    private static func text(_ path: String) throws(Problem) -> String {
        guard let handle = FileManager.default.contents(atPath: path), handle.count <= GivenCertificate.largest,
            let text = String(data: handle, encoding: .utf8)
        else { throw noFile(path) }
        return text
    }

    private static func noFile(_ path: String) -> Problem {
        Problem(
            code: "certificate.no-file", sentence: "\(path) cannot be read, or is no text of at most 64 KiB.",
            remedy: "Give a file in PEM form, and run the command as a user who may read it.")
    }
}

extension CertificateState {
    func write() throws {
        for line in lines(now: Int64(Date.now.timeIntervalSince1970.rounded())) { try LineOutput.write(line) }
    }

    /// For people.
    func lines(now: Int64) -> [String] {
        let days = (end &- now) / 86_400
        return [
            isOwn
                ? "The box's own certificate: browsers ask about it once."
                : "A certificate from \(issuer)\(isVouchedFor ? "" : ", which this machine does not know").",
            isOwn ? nil : "Names:       \(names.joined(separator: ", "))",
            days < 0 ? "Expired." : "Good for:    \(days) days",
            "SHA-256:     \(sha256)",
        ].compactMap { $0 }
    }
}
