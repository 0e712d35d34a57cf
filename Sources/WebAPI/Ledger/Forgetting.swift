import CShims
import Dispatch
import Glibc
import NIOCore
import NIOPosix

/// After an erasure: what the work left on the stacks of this process's threads is overwritten. What it left in the heap, the
/// allocator has overwritten when it was freed (`GLIBC_TUNABLES` in the unit).
enum Forgetting {
    /// After this time the answer has been sent, and nothing of the request is in use any more.
    private static let after: DispatchTimeInterval = .milliseconds(300)
    /// More than there are workers at rest.
    private static let workers = 8
    /// So long each keeps its thread, that the others get theirs.
    private static let holdMicroseconds: UInt32 = 3000

    static func scrubSoon() {
        DispatchQueue.global().asyncAfter(deadline: .now() + after) {
            for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { loop.execute { sipcall_scrub_stack() } }
            for _ in 0..<workers {
                // Queues in a row, as the ledger's, have workers of their own.
                for queue in [DispatchQueue.global(), DispatchQueue(label: "scrub")] { queue.async { hold() } }
            }
            for _ in 0..<workers { Task { hold() } }
        }
    }

    private static func hold() {
        sipcall_scrub_stack()
        usleep(holdMicroseconds)
    }
}
