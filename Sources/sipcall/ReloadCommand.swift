import ArgumentParser
import Control
import Glibc
import Wire

/// `sipcall reload`: the running core reads its configuration again.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Let the running box read its configuration again, without touching calls.")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        switch try await CoreConnection.with(box, { try await $0.client.send(.reload) }) {
        case .reloaded(let notices):
            for notice in notices {
                StandardStream.error.write(line: "sipcall: \(notice.sentence) \(notice.remedy)")
            }
        case .configurationRejected(let problem):
            StandardStream.error.write(line: "sipcall: \(problem.sentence) The former configuration still holds.")
            throw ExitCode(ExitStatus.configuration.rawValue)
        default: throw CoreConnection.otherVersion
        }
    }
}
