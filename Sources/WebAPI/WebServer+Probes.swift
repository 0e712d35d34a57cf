import Glibc
import NIOCore
import NIOPosix
package import Wire

// What the watchdog asks: each returns only when the part has done what it is there for.
extension WebServer {
    /// Serves a request through the listener that browsers use.
    /// - Returns: why it was not served; nil when it was, or when nothing listens yet.
    package func probeListener() async -> Problem? {
        await probe.run()
    }

    /// The actor between pages and core takes its turn.
    package func probeHub() async -> Problem? {
        await hub.takeTurn()
        return nil
    }

    /// The ledger can be read, and takes what the core hands over.
    package func probeLedger() async -> Problem? {
        await ledger?.probe()
    }

    #if DEBUG
        /// Faults on purpose, so that tests can see a hung part being noticed. A release build has none of it.
        package func wedgeListener() {
            for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                loop.execute { while true { sleep(60) } }
            }
        }

        package func wedgeHub() async {
            await hub.wedge()
        }

        package func wedgeLedger() async {
            await ledger?.wedge()
        }
    #endif
}

extension PhoneHub {
    func takeTurn() {}

    #if DEBUG
        func wedge() {
            while true { sleep(60) }
        }
    #endif
}
