import Console
import Control
import Settings
import Wire

/// What the doctor's checks have in common: the box that is meant, its settings, and one look at the core for all.
struct Examiner: Sendable {
    let box: BoxOptions
    /// The settings, or the defaults when the file cannot be used; the file has a check of its own.
    let settings: BoxSettings
    let core: CoreConnection
    private let statusTask: Task<Result<BoxStatus, Problem>, Never>
    private let providerTask: Task<Result<[ProviderReport], Problem>, Never>

    init(_ box: BoxOptions) {
        self.box = box
        settings = (try? box.wholeSettings()) ?? BoxSettings()
        let core = CoreConnection(box)
        self.core = core
        let opening = Task { () async -> Result<Void, Problem> in
            do throws(Problem) { return .success(try await core.opened(box)) } catch { return .failure(error) }
        }
        statusTask = Task {
            do throws(Problem) {
                try await opening.value.get()
                return .success(try await core.status())
            } catch {
                return .failure(error)
            }
        }
        providerTask = Task {
            do throws(Problem) {
                try await opening.value.get()
                guard case .providers(let reports) = try await core.client.send(.askProviders) else {
                    throw CoreConnection.otherVersion
                }
                return .success(reports)
            } catch {
                return .failure(error)
            }
        }
    }

    /// The core's figures, asked for once.
    func status() async throws(Problem) -> BoxStatus { try await statusTask.value.get() }

    /// The core's answer about the providers, asked for once.
    func providers() async throws(Problem) -> [ProviderReport] { try await providerTask.value.get() }

    var isRunning: Bool {
        get async { (try? await status()) != nil }
    }

    /// Every check, in the order in which they are shown.
    var checks: [Check] { machineChecks + boxChecks + networkChecks + providerChecks }
}
