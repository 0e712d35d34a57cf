import Console
import Control
import SIP
import SIPTransport
import Settings
import Wire

/// The provider: its name, its registrar, its answer, and where it sees the box.
extension Examiner {
    var providerChecks: [Check] {
        [
            Check("name", "Provider's name", deadline: .seconds(8)) { await name() },
            Check("registration", "Registration") { await finding { .registration(of: try await status()) } },
            Check("options", "Provider's answer", deadline: .seconds(8)) {
                await finding { .answers(try await providers()) }
            },
            Check("public-address", "Public address", deadline: .seconds(8)) {
                await finding { .publicAddresses(try await providers()) }
            },
        ]
    }

    private func name() async -> Finding {
        guard !settings.trunks.isEmpty else { return Finding(.unchecked, "No provider is set up.") }
        var sentences: [String] = []
        for trunk in settings.trunks {
            do throws(Problem) {
                let targets = try await DNSClient.system.targets(
                    of: trunk.server, port: trunk.port, transports: trunk.transports)
                let shown = targets.prefix(3).map { "\($0.address) (\($0.transport))" }.joined(separator: ", ")
                sentences.append("\(trunk.server) is \(shown).")
                if let echo = trunk.echoTest {
                    let digits = trunk.digitTest.map { ", and \($0) what is pressed" } ?? ""
                    sentences.append("There \(echo) plays back what is said\(digits).")
                }
            } catch {
                return Finding(.fault, error)
            }
        }
        return Finding(.ok, sentences.joined(separator: " "))
    }

    /// Without a core, or without a provider, there is nothing to be asked.
    private func finding(_ look: () async throws -> Finding) async -> Finding {
        do {
            return try await look()
        } catch let problem as Problem {
            return Finding(.unchecked, problem.sentence)
        } catch {
            return Finding(.unchecked, "\(error)")
        }
    }
}
