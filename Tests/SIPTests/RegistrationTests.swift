import SIP
import Testing
import Wire

@Suite("RFC 3261 §10.2 registration")
struct RegistrationTests {
    @Test(
        "The refresh comes at 50–80 % of the granted time, and never in its last 10 s", arguments: [20, 60, 300, 3_600])
    func refresh(granted: Int) throws {
        var random = SeededGenerator(seed: UInt64(granted))
        var earliest = Double.infinity
        var latest = 0.0
        for _ in 0..<500 {
            var registration = Registration(expires: 300)
            #expect(registration.started() == [.register(expires: 300)])
            registration.granted(granted, now: .zero, using: &random)
            let due = try #require(registration.nextDeadline)
            earliest = min(earliest, due.seconds)
            latest = max(latest, due.seconds)
            #expect(registration.timePassed(to: due) == [.register(expires: 300)])
            #expect(registration.nextDeadline == nil)
        }
        #expect(earliest >= Double(granted) * 0.5)
        #expect(latest <= max(Double(granted) - 10, Double(granted) * 0.5) + 0.001)
        #expect(latest <= Double(granted) * 0.8)
        if granted >= 60 { #expect(latest - earliest > Double(granted) * 0.2) }
    }

    @Test("Failures back off exponentially with jitter up to half an hour")
    func backingOff() throws {
        var random = SeededGenerator(seed: 1)
        var registration = Registration(expires: 300)
        _ = registration.started()
        var now = MonotonicTime.zero
        for failure in 0..<12 {
            registration.failed(.noReply, retryAfter: nil, now: now, using: &random)
            let due = try #require(registration.nextDeadline)
            let bound = min(10 * Double(1 << failure), 1_800)
            #expect((bound * 0.5...bound).contains((due - now).milliseconds / 1_000))
            now = due
            #expect(registration.timePassed(to: now) == [.register(expires: 300)])
        }
        registration.granted(nil, now: now, using: &random)
        registration.failed(.noReply, retryAfter: nil, now: now, using: &random)
        let due = try #require(registration.nextDeadline)
        #expect((due - now) <= .seconds(10))
    }

    @Test("423 raises the expiry, twice at most")
    func tooBrief() {
        var random = SeededGenerator(seed: 1)
        var registration = Registration(expires: 60)
        _ = registration.started()
        #expect(registration.tooBrief(minimum: 120, now: .zero, using: &random) == [.register(expires: 120)])
        #expect(registration.tooBrief(minimum: 600, now: .zero, using: &random) == [.register(expires: 600)])
        #expect(registration.tooBrief(minimum: 900, now: .zero, using: &random) == [])
        #expect(registration.nextDeadline != nil)
    }

    @Test("A wrong password is not tried again within five minutes, and Retry-After is obeyed")
    func patience() {
        var random = SeededGenerator(seed: 1)
        var registration = Registration(expires: 60)
        _ = registration.started()
        registration.failed(.wrongPassword, retryAfter: nil, now: .zero, using: &random)
        #expect(registration.nextDeadline == .seconds(300))
        var other = Registration(expires: 60)
        _ = other.started()
        other.failed(.rejected(status: 503, reason: ""), retryAfter: 120, now: .zero, using: &random)
        #expect(other.nextDeadline == .seconds(120))
    }

    @Test("Stopping removes the binding, and its answer ends the matter")
    func stopping() {
        var random = SeededGenerator(seed: 1)
        var registration = Registration(expires: 60)
        #expect(registration.stopped() == [])
        _ = registration.started()
        #expect(registration.stopped() == [.register(expires: 0)])
        registration.failed(.noReply, retryAfter: nil, now: .zero, using: &random)
        #expect(registration.state == .idle)
        #expect(registration.nextDeadline == nil)
    }
}

@Suite("One table of deadlines")
struct DeadlineTableTests {
    @Test("It agrees with a plain search over 20,000 random moves")
    func model() {
        var random = SeededGenerator(seed: 7)
        var table = DeadlineTable<Int>()
        var model: [Int: MonotonicTime] = [:]
        for _ in 0..<20_000 {
            let key = Int.random(in: 0..<200, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let time = MonotonicTime(nanoseconds: Int64.random(in: 0..<1_000, using: &random))
                table.set(time, for: key)
                model[key] = time
            case 6..<8:
                table.set(nil, for: key)
                model[key] = nil
            default:
                let now = MonotonicTime(nanoseconds: Int64.random(in: 0..<200, using: &random))
                let popped = table.popDue(at: now)
                if let popped {
                    #expect(model[popped] == model.values.min())
                    model[popped] = nil
                } else {
                    #expect(model.values.allSatisfy { $0 > now })
                }
            }
            #expect(table.next == model.values.min())
            #expect(table.count == model.count)
        }
    }
}
