import CLinux
import Glibc
import SDP
import Synchronization
import Wire

/// The sound of all calls, on one thread that wakes each 20 ms and ends when the last call does.
final class Exchange: Sendable {
    private struct State {
        var lines: [LegIdentifier: Line] = [:]
        var isRunning = false
    }

    private static let interval = Duration.milliseconds(20)
    /// After a longer sleep (a suspended machine) nobody wants the frames that were missed.
    private static let longestDelay = Duration.milliseconds(200)

    /// For one reader; ends with ``finish()``.
    let happenings: AsyncStream<(LegIdentifier, Line.Happening)>

    private let continuation: AsyncStream<(LegIdentifier, Line.Happening)>.Continuation
    private let greeting: Prompt
    private let state = Mutex(State())

    init(greeting: Prompt) {
        self.greeting = greeting
        (happenings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1_024))
    }

    /// Gives a call its ports.
    /// - Returns: the port for RTP; nil if the system has none left.
    func open(_ leg: LegIdentifier, on host: NetworkAddress.Host) -> UInt16? {
        guard let ports = PortPair(on: host) else { return nil }
        let line = Line(ports: ports, greeting: greeting, now: .now())
        let mayRun = state.withLock { state in
            state.lines[leg] = line
            if !state.isRunning { state.isRunning = startThread() }
            if !state.isRunning { state.lines[leg] = nil }
            return state.isRunning
        }
        return mayRun ? ports.port : nil
    }

    func connect(_ leg: LegIdentifier, _ audio: TrunkAudio) {
        state.withLock { $0.lines[leg]?.connect(audio, now: .now()) }
    }

    func play(_ leg: LegIdentifier, _ source: Voice.Source) {
        state.withLock { $0.lines[leg]?.play(source) }
    }

    func close(_ leg: LegIdentifier) {
        state.withLock { $0.lines[leg] = nil }
    }

    func finish() {
        state.withLock { $0.lines = [:] }
        continuation.finish()
    }

    private func startThread() -> Bool {
        var thread = pthread_t()
        let handed = Unmanaged.passRetained(self)
        guard pthread_create(&thread, nil, runExchange, handed.toOpaque()) == 0 else {
            handed.release()
            return false
        }
        pthread_setname_np(thread, "sound")
        pthread_detach(thread)
        return true
    }

    /// The thread's whole life.
    fileprivate func run() {
        var next = MonotonicTime.now() + Self.interval
        while turn() {
            let now = MonotonicTime.now()
            if now - next > Self.longestDelay { next = now }
            var moment = timespec(
                tv_sec: Int(next.nanoseconds / 1_000_000_000), tv_nsec: Int(next.nanoseconds % 1_000_000_000))
            while clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &moment, nil) == EINTR {}
            next += Self.interval
        }
    }

    /// - Returns: whether there is a call left.
    private func turn() -> Bool {
        let now = MonotonicTime.now()
        return state.withLock { state in
            for leg in state.lines.keys {
                let heard = state.lines[leg]?.listen(now: now) ?? []
                let said = state.lines[leg]?.speak()
                for happening in heard { continuation.yield((leg, happening)) }
                if let said { continuation.yield((leg, said)) }
            }
            state.isRunning = !state.lines.isEmpty
            return state.isRunning
        }
    }
}

/// At file scope, because a closure would inherit the isolation of its surroundings and trap on the new thread.
private func runExchange(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Exchange>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
