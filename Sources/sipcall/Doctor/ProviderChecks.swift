import Console
import Control
import SIPTransport
import Settings
import Wire

/// The provider: its name, its registrar, its answer, and where it sees the box.
extension Examiner {
    var providerChecks: [Check] {
        [
            Check("name", "Provider's name", deadline: .seconds(8)) { await name() },
            Check("registration", "Registration") { await finding { .registration(try await status().trunk) } },
            Check("options", "Provider's answer", deadline: .seconds(8)) {
                await finding { .answer(try await provider()) }
            },
            Check("public-address", "Public address", deadline: .seconds(8)) {
                await finding { .publicAddress(try await provider()) }
            },
        ]
    }

    private func name() async -> Finding {
        guard let trunk = settings.trunk else { return Finding(.unchecked, "No provider is set up.") }
        do throws(Problem) {
            let addresses = try await NameLookup.addresses(of: trunk.server, port: trunk.port)
            let shown = addresses.prefix(3).map { "\($0.host)" }.joined(separator: ", ")
            return Finding(.ok, "\(trunk.server) is \(shown).")
        } catch {
            return Finding(.fault, error)
        }
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
