import FoundationEssentials
import Testing
import Wire

@testable import Accounts

@Suite struct SessionTests {
    private func begin(
        _ test: TestAccounts, _ name: AccountName
    ) async throws -> (session: Session, cookie: Redacted<String>) {
        try await test.store.beginSession(of: name, device: "Firefox", source: "192.0.2.7", now: test.now)
    }

    private func renewed(_ renewal: AccountStore.Renewal) throws -> Redacted<String> {
        guard case .renewed(_, _, let cookie) = renewal else { throw NoAccountName() }
        return cookie
    }

    @Test func theCookieChangesAtEachUseAndOutlivesTheProcess() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let (session, first) = try await begin(test, test.add("anna"))
        let second = try renewed(await test.store.renew(first, source: "192.0.2.8", now: test.now))
        #expect(second.revealed != first.revealed)
        let later = try test.reopened()
        let third = try renewed(await later.renew(second, source: "192.0.2.8", now: test.now + 86_400))
        #expect(third.revealed != second.revealed)
        #expect(later.holder(of: session.id, now: test.now + 86_400)?.session.source == "192.0.2.8")
    }

    @Test func noSessionBeginsWithAProofFromBeforeThePasswordWasSetAnew() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna")
        let epoch = test.store.epoch(anna)
        try await test.store.set(anna, password: PasswordHash(Redacted("another horse"), cost: TestAccounts.quick))
        await #expect(throws: AccountProblem.unknown) {
            try await test.store.beginSession(of: anna, device: "", source: "", epoch: epoch, now: test.now)
        }
        _ = try await test.store.beginSession(
            of: anna, device: "", source: "", epoch: test.store.epoch(anna), now: test.now)
    }

    @Test func aNewPasswordRevokesMarksOfBrowsersAndAResetAlsoWhatProgramsSignInWith() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let (anna, bert) = (try await test.add("anna"), try await test.add("bert"))
        let (session, _) = try await begin(test, anna)
        let hash = try PasswordHash(Redacted("another horse"), cost: TestAccounts.quick)
        let mark = test.store.deviceMark(of: anna)
        #expect(test.store.isDeviceMark(mark, of: anna) && !test.store.isDeviceMark(mark, of: bert))
        var texts: [Redacted<String>] = []
        for name in [anna, bert] {
            texts.append(
                try await test.store.addToken("bell", for: name, scopes: [.readStatus], ends: nil, now: test.now).text)
        }
        try await test.store.set(anna, password: hash, keeping: session.id)
        #expect(!test.store.isDeviceMark(mark, of: anna))
        #expect(test.store.isDeviceMark(test.store.deviceMark(of: anna), of: anna))
        #expect(test.store.holder(of: texts[0], now: test.now) != nil)
        try await test.store.set(anna, password: hash)
        for store in [test.store, try test.reopened()] {
            #expect(store.holder(of: texts[0], now: test.now) == nil)
            #expect(store.holder(of: texts[1], now: test.now) != nil)
        }
    }

    @Test func anAnswerThatIsLostSignsNobodyOut() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let (_, first) = try await begin(test, test.add("anna"))
        let lost = try renewed(await test.store.renew(first, source: "", now: test.now))
        #expect(try renewed(await test.store.renew(first, source: "", now: test.now + 3600)).revealed == lost.revealed)
        // Not even when the process that gave it is gone.
        let anew = try test.reopened()
        let other = try renewed(await anew.renew(first, source: "", now: test.now + 7200))
        _ = try renewed(await anew.renew(other, source: "", now: test.now + 7200))
    }

    @Test func aValueThatComesASecondTimeEndsTheSession() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let (session, first) = try await begin(test, test.add("anna"))
        let second = try renewed(await test.store.renew(first, source: "", now: test.now))
        let third = try renewed(await test.store.renew(second, source: "", now: test.now))
        // Pages that ask together.
        _ = try renewed(await test.store.renew(first, source: "", now: test.now + 9))
        let stolen = try await test.store.renew(first, source: "", now: test.now + 11)
        guard case .usedTwice(let ended) = stolen else {
            Issue.record("\(stolen)")
            return
        }
        #expect(ended.id == session.id)
        guard case .unknown = try await test.store.renew(third, source: "", now: test.now + 12) else {
            Issue.record("the session goes on")
            return
        }
        #expect(try test.reopened().holder(of: session.id, now: test.now) == nil)
    }

    @Test func disuseAndAgeEndASession() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let name = try await test.add("anna")
        let (session, first) = try await begin(test, name)
        #expect(test.store.holder(of: session.id, now: test.now + Session.idle) != nil)
        #expect(test.store.holder(of: session.id, now: test.now + Session.idle + 1) == nil)
        guard case .unknown = try await test.store.renew(first, source: "", now: test.now + Session.idle + 1) else {
            Issue.record("an old cookie is taken")
            return
        }
    }

    @Test func ofTooManySessionsTheOneSeenLongestAgoEnds() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let name = try await test.add("anna")
        var ids: [Session.ID] = []
        for offset in 0..<AccountStore.mostSessions + 2 {
            ids.append(
                try await test.store.beginSession(
                    of: name, device: String(repeating: "ü", count: 500), source: "", now: test.now + Double(offset)
                ).session.id)
        }
        let left = test.store.sessions(of: name, now: test.now + 100)
        #expect(left.count == AccountStore.mostSessions)
        #expect(left.map(\.id) == ids.suffix(AccountStore.mostSessions).reversed())
        #expect(left.allSatisfy { $0.device.utf8.count <= 202 })
    }

    @Test func aNewPasswordEndsEverySessionButOne() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let name = try await test.add("anna")
        let kept = try await begin(test, name).session.id
        let ended = try await begin(test, name).session.id
        try await test.store.set(
            name, password: PasswordHash(Redacted("another one"), cost: TestAccounts.quick), keeping: kept)
        #expect(test.store.holder(of: kept, now: test.now) != nil)
        #expect(test.store.holder(of: ended, now: test.now) == nil)
    }

    @Test(arguments: [
        "", ".", "a.b", String(repeating: "0", count: 76), "\u{0}.\u{0}", String(repeating: "ü", count: 200),
    ])
    func hostileCookies(text: String) async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        guard case .unknown = try await test.store.renew(Redacted(text), source: "", now: test.now) else {
            Issue.record("taken")
            return
        }
        #expect(test.store.session(of: Redacted(text)) == nil)
    }

    @Test func whoeverKnowsTheIdAloneEndsNothing() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let (session, first) = try await begin(test, test.add("anna"))
        let other = try await begin(test, test.add("bert")).cookie.revealed.split(separator: ".")[1]
        // Any 43 characters, and a value that the box made for another session.
        for secret in [String(repeating: "A", count: 43), String(repeating: "=", count: 43), String(other)] {
            guard
                case .unknown = try await test.store.renew(
                    Redacted("\(session.id).\(secret)"), source: "", now: test.now)
            else {
                Issue.record("\(secret) is taken")
                return
            }
            #expect(test.store.holder(of: session.id, now: test.now) != nil)
        }
        // The key is kept: also a later process knows what this one has handed out.
        let second = try renewed(await test.store.renew(first, source: "", now: test.now))
        _ = try renewed(await test.store.renew(second, source: "", now: test.now))
        let later = try test.reopened()
        guard case .usedTwice = try await later.renew(first, source: "", now: test.now + 60) else {
            Issue.record("a thief's copy goes unnoticed after a restart")
            return
        }
    }

    @Test func aSessionIsFreshForTenMinutesOfItsPassword() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        var session = try await begin(test, test.add("anna")).session
        #expect(session.secondsFresh(now: test.now) == 600)
        #expect(session.secondsFresh(now: test.now + 599.5) == 1)
        #expect(session.secondsFresh(now: test.now + 600) == 0)
        // A clock that was set back makes nobody fresh for longer.
        #expect(session.secondsFresh(now: test.now - 1) == 0)
        session.proved = .distantFuture
        #expect(session.secondsFresh(now: test.now) == 0)
    }
}
