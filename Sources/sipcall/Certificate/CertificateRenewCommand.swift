import ArgumentParser
import FoundationEssentials
import Glibc
import Settings
import WebAPI
import Wire

/// `sipcall certificate renew`: asks the authority of `[acme]` for the page's certificate when it is due, by uacme(1).
struct CertificateRenewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Have the authority of [acme] give the page a certificate, if that is due (started by a timer).")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Ask for a new one although the present one is good for a while.")
    var force = false

    func run() async throws {
        guard let acme = try box.loadConfiguration(withSecrets: false).settings.acme else {
            StandardStream.output.write(line: "Nobody is asked for a certificate: the configuration has no [acme].")
            return
        }
        try box.requireRoot(to: "ask for a certificate")
        let client = OperatorClient(box)
        let served = try await client.json(.init("/api/v1/certificate"), as: CertificateState.self)
        let order = CertificateOrder(acme, folder: "\(box.stateDirectory)/acme")
        let isNew = try await order.run(force: force)
        // One that was got before but never arrived is given now.
        guard isNew || served.isOwn || order.endsLater(than: served.end) else {
            StandardStream.output.write(line: "The page's certificate is good for a while; nothing was done.")
            return
        }
        try await client.install(chain: order.chain, key: order.key).write()
    }
}

/// What an ACME server wants to see on port 80; uacme calls this through `libexec/sipcall/acme-challenge`.
struct CertificateChallengeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "challenge", abstract: "Answer one challenge of an ACME server.", shouldDisplay: false)

    @OptionGroup var box: BoxOptions

    @Argument var method: String
    @Argument var type: String
    @Argument var name: String
    @Argument var token: String
    @Argument var authorization: String

    func run() async throws {
        // Whatever else the server offers is declined by an exit status.
        guard type == "http-01" else { throw ExitCode(ExitStatus.failure.rawValue) }
        let client = OperatorClient(box)
        // Checked by the web process; here only that it stays one step of a path.
        guard !token.contains("/"), !token.contains("?") else { throw ExitCode(ExitStatus.failure.rawValue) }
        let place = "/api/v1/certificate/challenges/\(token)"
        if method == "begin" {
            let body = try JSONEncoder().encode(ChallengeAnswer(authorization: authorization))
            _ = try await client.send(.init(place, method: "PUT", body: Array(body)))
        } else {
            _ = try await client.send(.init(place, method: "DELETE"))
        }
    }
}
