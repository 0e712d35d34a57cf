import Logging
import NIOCore
import Wire

/// Everything that the server knows, on one event loop: its sessions, its clients, the commands under way.
final class ControlHub {
    private static let mostSessions = 32

    private let loop: any EventLoop
    private let executor: LoopExecutor
    private let logger: Logger
    private let limits: ControlServer.Limits
    private let handler: ControlServer.Handler
    private let snapshot: ControlServer.SnapshotSource
    private let coder = ControlCoder()

    /// Another one for each start of the core.
    private let epoch: String
    private var lastEvent: UInt64 = 0
    private var sessions: [ObjectIdentifier: ControlSession] = [:]
    private var clients: [String: ControlClientRecord] = [:]
    private var lanes: [ConnectionIdentifier: [Work]] = [:]
    private var stopped = false

    /// A command with where its reply goes; nil for one that the hub makes itself.
    private struct Work {
        var command: ControlCommand
        var origin: (client: String, id: UInt64)?
    }

    init(
        loop: any EventLoop, logger: Logger, limits: ControlServer.Limits, handler: @escaping ControlServer.Handler,
        snapshot: @escaping ControlServer.SnapshotSource
    ) {
        self.loop = loop
        executor = LoopExecutor(loop)
        self.logger = logger
        self.limits = limits
        self.handler = handler
        self.snapshot = snapshot
        var generator = SystemRandomNumberGenerator()
        epoch = hexadecimal(bytes: 16, using: &generator)
    }

    var admits: Bool { !stopped && sessions.count < Self.mostSessions }

    // MARK: Sessions

    func opened(_ session: ControlSession) {
        sessions[ObjectIdentifier(session)] = session
    }

    func greeted(_ session: ControlSession, client: String) {
        clients[client, default: ControlClientRecord()].arrived()
        let last = lastEvent
        let snapshot = snapshot
        let bound = NIOLoopBound((hub: self, session: session), eventLoop: loop)
        let loop = loop
        Task(executorPreference: executor) {
            let now = await snapshot()
            loop.execute {
                let (hub, session) = bound.value
                if let frame = hub.frame(.snapshot(epoch: hub.epoch, last: last, snapshot: now)) {
                    session.begin(frame)
                } else {
                    session.close()
                }
            }
        }
    }

    func closed(_ session: ControlSession, client name: String?) {
        sessions[ObjectIdentifier(session)] = nil
        guard let name, clients[name]?.left() == true, !stopped else { return }
        let absence = TimeAmount.nanoseconds(limits.absence.nanoseconds)
        clients[name]?.lost = loop.assumeIsolated().scheduleTask(in: absence) { self.forget(name) }
    }

    func refused(_ error: any Error) {
        logger.warning(
            "control socket: a client was cut off, it does not speak the protocol",
            metadata: ["code": "control.client-cut-off", "why": "\(error)"])
    }

    func stop() {
        stopped = true
        for session in sessions.values { session.close() }
        for client in clients.values { client.lost?.cancel() }
        sessions = [:]
        clients = [:]
        lanes = [:]
    }

    /// A client stayed away: nobody holds its phone sockets any more.
    private func forget(_ name: String) {
        guard let client = clients.removeValue(forKey: name) else { return }
        if !client.attached.isEmpty {
            logger.warning(
                "control socket: the web process is gone, its pages count as lost",
                metadata: ["code": "control.web-gone"])
        }
        for connection in client.attached {
            enqueue(Work(command: .detach(connection: connection, departure: .lost), origin: nil))
        }
    }

    // MARK: Events

    func publish(_ event: ControlEvent) {
        lastEvent &+= 1
        let isForWatchers = if case .box = event { true } else { false }
        let listeners = sessions.values.filter { $0.watches || !isForWatchers }
        guard !listeners.isEmpty, let frame = frame(.event(number: lastEvent, event: event)) else { return }
        for session in listeners { session.publish(frame) }
    }

    // MARK: Commands

    func received(_ command: ControlCommand, id: UInt64, from name: String, over session: ControlSession) {
        guard session.isWebs || !command.isForWeb else {
            return answer(.failed(ControlProblem.webOnly), id: id, over: session)
        }
        switch clients[name, default: ControlClientRecord()].received(command, id: id, over: session) {
        case .execute:
            // A page that came back by a new web process must not be lost again when the former one is forgotten.
            if case .attach(let connection, _) = command {
                for other in clients.keys where other != name { clients[other]?.handedOver(connection) }
            }
            enqueue(Work(command: command, origin: (name, id)))
        case .wait:
            return
        case .repeatReply(let reply):
            answer(reply, id: id, over: session)
        }
    }

    private func enqueue(_ work: Work) {
        guard let connection = work.command.connection else { return run(work, lane: nil) }
        if lanes[connection] == nil {
            lanes[connection] = []
            run(work, lane: connection)
        } else {
            lanes[connection]?.append(work)
        }
    }

    private func run(_ work: Work, lane: ConnectionIdentifier?) {
        let handler = handler
        let command = work.command
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        Task(executorPreference: executor) {
            let reply = await handler(command)
            loop.execute { bound.value.finished(work, with: reply, lane: lane) }
        }
    }

    private func finished(_ work: Work, with reply: ControlReply, lane: ConnectionIdentifier?) {
        if let origin = work.origin {
            let keeps = work.command.keepsReply
            for session in clients[origin.client]?.finished(origin.id, with: reply, keeps: keeps) ?? [] {
                answer(reply, id: origin.id, over: session)
            }
        }
        guard let lane, var waiting = lanes[lane] else { return }
        guard !waiting.isEmpty else {
            lanes[lane] = nil
            return
        }
        let next = waiting.removeFirst()
        lanes[lane] = waiting
        run(next, lane: lane)
    }

    private func answer(_ reply: ControlReply, id: UInt64, over session: ControlSession) {
        let whole = frame(.reply(id: id, reply: reply))
        if let frame = whole ?? frame(.reply(id: id, reply: .failed(ControlProblem.tooLarge))) { session.reply(frame) }
    }

    private func frame(_ response: ControlResponse) -> ByteBuffer? {
        do {
            return try coder.frame(response)
        } catch {
            logger.error(
                "control socket: a message cannot be sent",
                metadata: ["code": "control.unsendable", "why": "\(error)"])
            return nil
        }
    }
}
