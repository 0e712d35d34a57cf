import Wire

/// What every step of a packet's road may use: the loop's send queue, its counters, the time, and the way
/// to report events. One for each loop, touched on its thread only.
final class LoopContext {
    let queue = SendQueue()
    var dropped = DropCounters()
    /// When the loop woke up last; good enough for everything that one wake-up handles.
    var now: MonotonicTime
    let browserSocket: DatagramSocket.Handle
    private let events: AsyncStream<MediaEvent>.Continuation

    init(browserSocket: DatagramSocket.Handle, events: AsyncStream<MediaEvent>.Continuation, now: MonotonicTime) {
        self.browserSocket = browserSocket
        self.events = events
        self.now = now
    }

    func emit(_ event: MediaEvent) {
        events.yield(event)
    }

    func finishEvents() {
        events.finish()
    }
}
