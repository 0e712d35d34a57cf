import ArgumentParser
import Foundation
import SIPTransport
import Subprocess
import SystemPackage
import WebAPI
import Wire

/// `sipcall setup-url`: where the page is, and a new link by which the owner of a new box claims it.
struct SetupURLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-url", abstract: "Show where the page is, with a link and a QR code to claim a new box.")

    @OptionGroup var box: BoxOptions

    private struct NewToken: Decodable { var token: String }

    func run() async throws {
        // As whoever asks: the web process's own user has no right to its socket for commands.
        let answer = await ask()
        try OwnerOfState.become(box.stateDirectory)
        let places = WebPlace.last(in: box.stateDirectory)
        let urls = places.flatMap(Self.urls)
        guard !urls.isEmpty else {
            throw Problem(
                code: "setup.no-page", sentence: "The box has not served its page yet.",
                remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                    ?? "Start it with: systemctl start sipcall.target")
        }
        guard let token = try answer.get() else { return await Self.showSignIn(urls, box) }
        let links = urls.map { SetupNote.link($0, token) }
        StandardStream.output.write(
            line: "The box waits to be claimed. Open one of these within 24 hours; one serves once:")
        for link in links { StandardStream.output.write(line: "  \(link)") }
        StandardStream.output.write(line: "Links that were shown before are good no more.")
        await Self.showWay(to: places, links)
    }

    /// - Returns: a new token; nil when the box is claimed.
    private func ask() async -> Result<Redacted<String>?, Problem> {
        do throws(Problem) {
            let request = OperatorClient.Request("/api/v1/setup/token", method: "POST")
            return .success(Redacted(try await OperatorClient(box).json(request, as: NewToken.self).token))
        } catch {
            return error.code == "setup.claimed" ? .success(nil) : .failure(error)
        }
    }

    private static func showSignIn(_ urls: [String], _ box: BoxOptions) async {
        // A box from before there was a claim may have a password that nobody has used.
        guard let password = FirstOwner.password(in: box.stateDirectory) else {
            for url in urls { StandardStream.output.write(line: url) }
            StandardStream.output.write(
                line: "The box is claimed: sign in. A new password is set with: sipcall user password")
            return
        }
        StandardStream.output.write(line: "Open one of these; it signs you in, and the first sign-in ends that:")
        for url in urls { StandardStream.output.write(line: "  \(link(url, password))") }
    }

    private static func showWay(to places: [WebPlace], _ links: [String]) async {
        if places.allSatisfy({ !$0.isSecure }) {
            StandardStream.output.write(
                line: "The page is not served over https: reach it through a proxy with TLS, or an SSH tunnel.")
        } else {
            StandardStream.output.write(
                line: "The browser does not know the box's own certificate and asks once whether to go on.")
            if let first = links.first { await showCode(of: first) }
        }
    }

    /// The addresses that others can reach come first; those of this machine alone only if there are no others.
    static func urls(of place: WebPlace) -> [String] {
        guard place.address.host.isUnspecified else { return [place.url()] }
        let all = LocalAddress.all()
        let reachable = all.filter { !$0.isOwn }
        return (reachable.isEmpty ? all : reachable).sorted { !$0.isSix && $1.isSix }.map { place.url(host: $0) }
    }

    /// What stands behind `#` is never sent to a server nor kept in its log.
    static func link(_ url: String, _ password: Redacted<String>) -> String {
        let safe = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        return "\(url)#sign-in=\(password.revealed.addingPercentEncoding(withAllowedCharacters: safe) ?? "")"
    }

    /// The text goes by standard input: everybody on the machine can read a program's arguments.
    private static func showCode(of text: String) async {
        let code = try? await Subprocess.run(
            .name("qrencode"), arguments: ["-t", "UTF8", "-m", "2"], input: .string(text),
            output: .string(limit: 64 * 1024), error: .discarded)
        if let code, code.terminationStatus.isSuccess, !code.standardOutput.isEmpty {
            StandardStream.output.write(line: code.standardOutput)
        } else {
            StandardStream.output.write(line: "For a QR code that a phone can read: apt install qrencode")
        }
    }
}

extension NetworkAddress.Host {
    fileprivate var isSix: Bool { if case .ipv6 = self { true } else { false } }

    /// Loopback.
    fileprivate var isOwn: Bool {
        switch self {
        case .ipv4(let bits): bits >> 24 == 127
        case .ipv6(let high, let low): high == 0 && low <= 1
        }
    }
}
