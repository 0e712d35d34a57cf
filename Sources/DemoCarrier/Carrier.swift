import SDP
import SIP
import SIPMessage
import SIPTransport
import Wire

/// The provider: every input comes in as one call of a method here, is handed to the machine that understands it, and
/// what the machine wants is done before the next input is looked at.
actor Carrier {
    static let product = "DemoCarrier/0.1"
    static let realm = "demo-carrier"
    static let callLimit = 64

    let transport: SIPTransport
    let exchange: Exchange
    let user: String
    var generator = SystemRandomNumberGenerator()
    var userAgent: UserAgent
    var doorkeeper: Doorkeeper
    var registrar = Registrar()
    var calls: [LegIdentifier: CarrierCall] = [:]
    /// When to call the user.
    var callBacks: [MonotonicTime] = []
    /// From the first registration to a call; nil once that is planned.
    var callAfter: Duration?
    /// For the lines that the person reads.
    var callCount = 0
    var nextOutboundLeg: UInt64 = 1
    var isStopping = false
    /// BYEs that are not answered yet, while the program ends.
    private var unconfirmed = 0
    private var timer: (deadline: MonotonicTime, task: Task<Void, Never>)?

    init(
        transport: SIPTransport, user: String, password: Redacted<String>, greeting: Prompt, callAfter: Duration?
    ) {
        self.transport = transport
        self.user = user
        self.callAfter = callAfter
        exchange = Exchange(greeting: greeting)
        doorkeeper = Doorkeeper(user: user, password: password, realm: Self.realm)
        let listen = transport.localAddress
        let host = listen.host.isUnspecified ? LocalAddress.all().first : nil
        userAgent = UserAgent(
            contact: NetworkAddress(host: host ?? listen.host, port: listen.port), product: Self.product)
    }

    /// Takes inputs until it is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.takeMessages() }
            group.addTask { await self.takeSound() }
        }
    }

    /// Hangs up every call, and waits until the other sides confirmed it, at most a second.
    func stop() async {
        isStopping = true
        callBacks = []
        unconfirmed = calls.values.count { $0.stage == .talking }
        for leg in calls.keys { hangUp(leg) }
        let deadline = MonotonicTime.now() + .seconds(1)
        while unconfirmed > 0, MonotonicTime.now() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        timer?.task.cancel()
        timer = nil
        exchange.finish()
    }

    private func takeMessages() async {
        for await input in transport.inputs {
            transport.taken()
            switch input {
            case .message(let message, let source): take(message, from: source.address)
            case .unreachable(let peer, _), .lost(let peer):
                perform(userAgent.transportFailed(to: peer.address, now: .now(), using: &generator))
            }
            schedule()
        }
    }

    private func takeSound() async {
        for await (leg, happening) in exchange.happenings {
            take(happening, on: leg)
            schedule()
        }
    }

    private func take(_ message: SIPMessage, from source: NetworkAddress) {
        switch message {
        case .request(let request) where request.method == .register: register(request, from: source)
        case .request(let request) where request.method == .invite && request.headers.to?.tag == nil:
            admit(request, from: source)
        case .request: handOver(message, from: source)
        case .response(let response):
            handOver(message, from: source)
            if isStopping, response.status >= 200, response.headers.cseq?.method == .bye { unconfirmed -= 1 }
        }
    }

    func handOver(_ message: SIPMessage, from source: NetworkAddress) {
        perform(userAgent.received(message, from: source, now: .now(), using: &generator))
    }

    func perform(_ effects: [UserAgentEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let target): transport.send(bytes, to: target)
            case .event(let event): take(event)
            }
        }
    }
}

// MARK: - Time

extension Carrier {
    /// Sets the one timer to the earliest deadline.
    private func schedule() {
        let deadlines = [userAgent.nextDeadline, registrar.nextDeadline] + calls.values.map(\.stepAt) + callBacks
        guard let next = deadlines.compactMap(\.self).min() else {
            timer?.task.cancel()
            timer = nil
            return
        }
        if let timer, timer.deadline <= next { return }
        timer?.task.cancel()
        timer = (
            next,
            Task {
                try? await Task.sleep(for: max(.zero, next - .now()))
                guard !Task.isCancelled else { return }
                self.timeHasCome()
            }
        )
    }

    private func timeHasCome() {
        timer = nil
        let now = MonotonicTime.now()
        perform(userAgent.advance(to: now, using: &generator))
        if registrar.advance(to: now) > 0 { Program.say("A registration ended, because it was not renewed.") }
        for (leg, call) in calls {
            if let stepAt = call.stepAt, stepAt <= now { step(leg) }
        }
        let due = callBacks.count { $0 <= now }
        callBacks.removeAll { $0 <= now }
        for _ in 0..<due { callUser() }
        schedule()
    }
}
