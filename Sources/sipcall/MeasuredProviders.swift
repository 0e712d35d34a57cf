import Appliance
import Control
import Dispatch
import FoundationEssentials

/// The file in the core's state that keeps what was found out about providers. It is a convenience: one that is missing or
/// broken is begun anew.
struct MeasuredProviders: Sendable {
    private static let limit = 262_144
    private let path: String
    /// The disk may take its time; nobody waits for it.
    private let queue = DispatchQueue(label: "providers")

    /// - Parameter state: the box's state directory.
    init(state: String) {
        path = "\(state)/core/providers.json"
    }

    func read() -> [String: ProviderMeasurements] {
        guard let bytes = SmallFile.read(path, atMost: Self.limit) else { return [:] }
        return (try? JSONDecoder().decode([String: ProviderMeasurements].self, from: Data(bytes))) ?? [:]
    }

    func write(_ measured: [String: ProviderMeasurements]) {
        queue.async { [path] in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            guard let data = try? encoder.encode(measured), data.count <= Self.limit else { return }
            _ = SmallFile.replace(path, with: Array(data), durable: false)
        }
    }
}
