import ArgumentParser
import Foundation
import SIPTransport
import Subprocess
import SystemPackage
import WebAPI
import Wire

/// `sipcall setup-url`: where the page is, and the way in for its owner's first visit.
struct SetupURLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-url", abstract: "Show where the page is, with a QR code to sign in for the first time.")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        try OwnerOfState.become(box.stateDirectory)
        let places = WebPlace.last(in: box.stateDirectory)
        let urls = places.flatMap(Self.urls)
        guard !urls.isEmpty else {
            throw Problem(
                code: "setup.no-page", sentence: "The box has not served its page yet.",
                remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                    ?? "Start it with: systemctl start sipcall.target")
        }
        guard let password = FirstOwner.password(in: box.stateDirectory) else {
            for url in urls { StandardStream.output.write(line: url) }
            StandardStream.output.write(
                line: "Sign in with your password. A new one is set with: sipcall user password")
            return
        }
        let links = urls.map { Self.link($0, password) }
        StandardStream.output.write(line: "Open one of these; it signs you in, and the first sign-in ends that:")
        for link in links { StandardStream.output.write(line: "  \(link)") }
        if places.allSatisfy({ !$0.isSecure }) {
            StandardStream.output.write(
                line: "The page is not served over https: reach it through a proxy with TLS, or an SSH tunnel.")
        } else {
            StandardStream.output.write(
                line: "The browser does not know the box's own certificate and asks once whether to go on.")
            if let first = links.first { await Self.showCode(of: first) }
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
