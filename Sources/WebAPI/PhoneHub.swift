import Accounts
import Call
import Control
import Logging
import NIOWebSocket
import Synchronization
import Wire

/// Knows every open phone socket, and stands between them and the core.
///
/// It survives the core: while that is away pages stay connected, are told so, and get `core.unreachable` for an
/// answer; when it is back they are attached again and calls that are over are ended on the page. It is survived by a
/// page's call: a page that comes back, to this hub or to the next process's, names the identity that it had.
actor PhoneHub {
    /// The core detaches whatever is left out after its own patience.
    static let mostUndelivered = 1024

    let control: ControlClient
    let logger: Logger
    /// Open sockets by user.
    private let open = Mutex<[String: Int]>([:])
    var phones: [ConnectionIdentifier: Phone] = [:]
    var trunk = TrunkStatus()
    var isConnected = false
    private var lastSerial: UInt64 = 0
    /// Sockets that closed while the core was away.
    var undelivered: [ConnectionIdentifier: PhoneDeparture] = [:]

    /// Told when the core is there, and when records wait.
    let ledger: LedgerDesk?
    /// Told when the core is there.
    let settings: SettingsDesk?
    /// Told when the core is there, and whether it waits for the box to be claimed.
    let claim: ClaimDesk

    init(
        control: ControlClient, ledger: LedgerDesk? = nil, settings: SettingsDesk? = nil, claim: ClaimDesk,
        logger: Logger
    ) {
        self.control = control
        self.settings = settings
        self.ledger = ledger
        self.claim = claim
        self.logger = logger
    }

    /// Follows the core until the client ends.
    func run() async {
        for await event in control.events {
            switch event {
            case .connected(let snapshot, let restarted):
                ledger?.coreConnected()
                settings?.coreConnected()
                await connected(snapshot, restarted: restarted)
                await claim.coreConnected(waits: snapshot.waitsToBeClaimed == true)
            case .disconnected: disconnected()
            case .event(.recordsWait): ledger?.recordsWait()
            case .event(let event): deliver(event)
            }
        }
        await claim.coreEnded()
    }

    // MARK: Sockets

    nonisolated func admits(most: Int) -> Bool {
        open.withLock { $0.values.reduce(0, +) < most }
    }

    nonisolated func admits(_ user: String, most: Int) -> Bool {
        open.withLock { $0[user, default: 0] < most }
    }

    /// Serves one phone socket from its beginning to its end.
    ///
    /// - Parameter former: the identity that the page had on a socket that was lost.
    func serve(_ line: PhoneLine, user: String, former: ConnectionIdentifier?) async {
        open.withLock { $0[user, default: 0] += 1 }
        defer {
            open.withLock { open in
                let left = open[user, default: 1] - 1
                open[user] = left > 0 ? left : nil
            }
        }
        let connection = admit(line, user: user, former: former)
        let serial = phones[connection]?.serial
        line.send(PhoneNotice.ready(status, user: user, phone: connection))
        await attach(connection)
        // A page asks for one thing after the other, but a ping never waits behind a slow command.
        let (commands, queue) = AsyncStream.makeStream(of: (RPCIdentifier?, PhoneRequest).self)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await (id, request) in commands { await self.perform(request, id: id, connection, serial) }
            }
            for await text in line.messages {
                let message = RPCMessage(text)
                switch message.request {
                case .failure(let error): answer(.failure(error), to: message.id, line)
                case .success(.ping): answer(.success(nil), to: message.id, line)
                case .success(let request): queued(request, id: message.id, connection, serial, line, queue)
                }
            }
            // The core hears it at once: what it still does for this page ends there.
            queue.finish()
            // Unless the page is back on another socket already.
            guard phones[connection]?.serial == serial else { return }
            phones[connection] = nil
            let departure = line.farewell.departure
            if await !tell(.detach(connection: connection, departure: departure)),
                phones[connection] == nil, undelivered.count < Self.mostUndelivered
            {
                undelivered[connection] = departure
            }
        }
    }

    /// Closes every socket of sessions that have ended.
    func signedOut(_ hasEnded: (Session.ID) -> Bool) {
        for phone in phones.values where hasEnded(phone.line.session) {
            phone.line.farewell.departure = .signedOff
            phone.line.close(.policyViolation)
        }
    }

    /// - Returns: the identity under which the page is known from now on.
    private func admit(_ line: PhoneLine, user: String, former: ConnectionIdentifier?) -> ConnectionIdentifier {
        lastSerial += 1
        var phone = Phone(line: line, user: user, serial: lastSerial)
        if let former, let present = phones[former], present.user == user {
            // Its former socket is dead without knowing it.
            present.line.close(.goingAway)
            phone.calls = present.calls
            phone.wasAway = true
            phone.isVerified = present.isVerified
            phones[former] = phone
            return former
        }
        if let former, phones[former] == nil {
            undelivered[former] = nil
            phone.isVerified = false
            phone.wasAway = true
            phones[former] = phone
            return former
        }
        var generator = SystemRandomNumberGenerator()
        let connection = ConnectionIdentifier(using: &generator)
        phones[connection] = phone
        return connection
    }

    /// Tells the core of a page, and the page what goes on.
    func attach(_ connection: ConnectionIdentifier) async {
        guard let phone = phones[connection] else { return }
        phones[connection]?.isAttaching = true
        do throws(Problem) {
            let reply = try await control.send(.attach(connection: connection, user: phone.user))
            guard phones[connection]?.serial == phone.serial else { return }
            phones[connection]?.isVerified = true
            phones[connection]?.isAttaching = false
            let attached = if case .attached(let attached) = reply { attached } else { AttachedPhone() }
            reconcile(connection, with: attached)
            if phones[connection]?.isStarting == false { deliverHeld(connection) }
        } catch {
            logger.debug("the core did not take a page", metadata: ["problem": "\(error.code)"])
            guard !phone.isVerified, error.code == PhoneNotice.otherUser else {
                guard phones[connection]?.serial == phone.serial else { return }
                phones[connection]?.isAttaching = false
                if phones[connection]?.isStarting == false { deliverHeld(connection) }
                return
            }
            // It must not be told, nor do, anything under this name.
            guard phones[connection]?.serial == phone.serial else { return }
            phones[connection] = nil
            phone.line.close(PhoneLine.identityRefused)
        }
    }

    func deliverHeld(_ connection: ConnectionIdentifier) {
        let held = phones[connection]?.held ?? []
        phones[connection]?.held = []
        for event in held { deliver(event) }
    }

    private func queued(
        _ request: PhoneRequest, id: RPCIdentifier?, _ connection: ConnectionIdentifier, _ serial: UInt64?,
        _ line: PhoneLine,
        _ queue: AsyncStream<(RPCIdentifier?, PhoneRequest)>.Continuation
    ) {
        guard let phone = phones[connection], phone.serial == serial, phone.waiting < Phone.mostWaiting else {
            return answer(.failure(.problem(ControlProblem.overloaded)), to: id, line)
        }
        phones[connection]?.waiting += 1
        queue.yield((id, request))
    }

    // MARK: Requests

    /// - Parameter serial: of the socket on which it came. Where the page is back on another one, nobody waits for it any more.
    private func perform(
        _ request: PhoneRequest, id: RPCIdentifier?, _ connection: ConnectionIdentifier, _ serial: UInt64?
    ) async {
        defer { if isPresent(connection, serial) { phones[connection]?.waiting -= 1 } }
        guard let line = phones[connection]?.line, isPresent(connection, serial) else { return }
        do throws(Problem) {
            guard isConnected, phones[connection]?.isVerified == true else { throw ControlProblem.unreachable }
            switch request {
            case .ping:
                answer(.success(nil), to: id, line)
            case .start(let to, let sdp, let isHidden):
                try await start(to, sdp, isHidden, id: id, connection, line)
            case .offer(let call, let sdp):
                guard
                    case .media(_, let media) = try await control.send(
                        .offer(connection: connection, call: call, offer: sdp))
                else { throw WebProblem.unexpectedReply }
                answer(.success(PhoneNotice.Media(sdp: media)), to: id, line)
            case .answer(let call):
                _ = try await control.send(.answer(connection: connection, call: call))
                answer(.success(nil), to: id, line)
            case .end(let call):
                _ = try await control.send(.end(connection: connection, call: call))
                answer(.success(nil), to: id, line)
            case .hold(let call, let isWanted):
                _ = try await control.send(.hold(connection: connection, call: call, wanted: isWanted))
                answer(.success(nil), to: id, line)
            case .transfer(let call, let to):
                _ = try await control.send(.transfer(connection: connection, call: call, to: to))
                answer(.success(nil), to: id, line)
            case .bringTogether(let call, let other):
                _ = try await control.send(.bringTogether(connection: connection, call: call, other: other))
                answer(.success(nil), to: id, line)
            case .digits(let call, let digits):
                _ = try await control.send(.digits(connection: connection, call: call, digits: digits))
                answer(.success(nil), to: id, line)
            }
        } catch {
            answer(.failure(.problem(error)), to: id, line)
        }
    }

    /// Whether a page is still on the socket with this number.
    private func isPresent(_ connection: ConnectionIdentifier, _ serial: UInt64?) -> Bool {
        phones[connection].map { $0.serial == serial } ?? false
    }

    /// The core may speak of the new call before its reply is here: the page hears its identifier first.
    private func start(
        _ to: Redacted<String>, _ sdp: Redacted<String>, _ hidesNumber: Bool?, id: RPCIdentifier?,
        _ connection: ConnectionIdentifier, _ line: PhoneLine
    ) async throws(Problem) {
        let serial = phones[connection]?.serial
        phones[connection]?.isStarting = true
        defer {
            if isPresent(connection, serial) {
                phones[connection]?.isStarting = false
                deliverHeld(connection)
            }
        }
        guard
            case .media(let call, let media) = try await control.send(
                .start(connection: connection, to: to, offer: sdp, hidesNumber: hidesNumber))
        else { throw WebProblem.unexpectedReply }
        // A page that is back on another socket learns of it by the answer to `attach`, or never.
        guard isPresent(connection, serial) else { return }
        phones[connection]?.calls.insert(call)
        answer(.success(PhoneNotice.Media(call: call, sdp: media)), to: id, line)
    }

    private func answer(_ result: Result<PhoneNotice.Media?, RPCError>, to id: RPCIdentifier?, _ line: PhoneLine) {
        guard let id else { return }
        switch result {
        case .success(let media?): line.send(PhoneNotice.answer(id, media))
        case .success(nil): line.send(PhoneNotice.answer(id, PhoneNotice.Nothing()))
        case .failure(let error): line.send(PhoneNotice.failure(id, error))
        }
    }
}

extension PhoneHub {
    /// What the hub keeps about one phone socket.
    struct Phone {
        static let mostWaiting = 32
        static let mostHeld = 256

        let line: PhoneLine
        let user: String
        /// Tells the sockets of one identity apart.
        let serial: UInt64
        /// The core has said that this identity is this user's. One that was made here cannot be anybody else's.
        var isVerified = true
        /// It came back and may have missed something.
        var wasAway = false
        /// Calls that the page knows and that go on.
        var calls: Set<CallIdentifier> = []
        /// Requests that wait for the core.
        var waiting = 0
        /// A `call.start` is under way, so calls that the page does not know may be its own.
        var isStarting = false
        /// The core is being told of it: what it says meanwhile is held, for its answer comes first.
        var isAttaching = false
        var held: [ControlEvent] = []

        init(line: PhoneLine, user: String, serial: UInt64) {
            self.line = line
            self.user = user
            self.serial = serial
        }
    }
}
