import Dispatch
import Glibc

/// SIGINT and SIGTERM, caught from its making on. The second one ends the program at once.
struct Termination {
    private static let signals = [SIGINT, SIGTERM]

    private let requests: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (requests, continuation) = AsyncStream.makeStream(of: Void.self)
        self.requests = requests
        sources = Self.signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                for number in Self.signals { signal(number, SIG_DFL) }
                continuation.finish()
            }
            source.activate()
            return source
        }
    }

    /// Waits for the first of them.
    func requested() async {
        for await _ in requests {}
        for source in sources { source.cancel() }
    }
}
