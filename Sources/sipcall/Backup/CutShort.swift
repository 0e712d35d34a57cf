import Dispatch
import Glibc

/// Cleans up when the program is told to end (SIGINT, SIGTERM, SIGHUP), and ends it.
final class CutShort {
    static let signals = [SIGINT, SIGTERM, SIGHUP]
    private let sources: [any DispatchSourceSignal]

    init(_ clean: @escaping @Sendable () -> Void) {
        sources = Self.signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                clean()
                _exit(128 + number)
            }
            source.activate()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in Self.signals { signal(number, SIG_DFL) }
    }

    /// Work that must not be cut short: a box that is stopped for it has to be started again.
    static func never<Value>(_ work: () async throws -> Value) async rethrows -> Value {
        for number in signals { signal(number, SIG_IGN) }
        defer { for number in signals { signal(number, SIG_DFL) } }
        return try await work()
    }
}
