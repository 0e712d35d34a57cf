// Faults on purpose, so that tests can see a hung part being noticed, named and recovered. A release build has none of it.
#if DEBUG
    import Dispatch
    import Glibc
    import Logging
    import WebAPI

    /// SIGUSR1 lets every event loop of the web process hang for good, SIGUSR2 the phone hub, SIGHUP the ledger.
    final class WebFault {
        private let sources: [any DispatchSourceSignal]

        init(_ server: WebServer, log: Logger) {
            sources = [SIGUSR1, SIGUSR2, SIGHUP].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler {
                    log.warning(
                        "A fault on purpose: a part hangs from now on.",
                        metadata: ["code": "box.fault-on-purpose", "signal": "\(number)"])
                    switch number {
                    case SIGUSR1: server.wedgeListener()
                    case SIGUSR2: Task { await server.wedgeHub() }
                    default: Task { await server.wedgeLedger() }
                    }
                }
                source.activate()
                return source
            }
        }
    }
#endif
