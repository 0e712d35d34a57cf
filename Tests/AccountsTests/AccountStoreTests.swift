import FoundationEssentials
import Testing
import Wire

@testable import Accounts

@Suite struct AccountStoreTests {
    @Test func accountsOutliveTheProcess() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        #expect(test.store.isEmpty)
        let anna = try await test.add("Anna", .owner)
        try await test.store.describe(anna, displayName: "Anna Ä.", language: "de")
        try await test.add("bert", password: nil)
        let read = try test.reopened()
        #expect(read.accounts == test.store.accounts)
        #expect(read.accounts.map(\.name.description) == ["anna", "bert"])
        #expect(read.accounts.map(\.state) == [.active, .invited])
        #expect(read.account(anna)?.displayName == "Anna Ä.")
    }

    @Test func aNameIsTakenOnce() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        try await test.add("anna")
        await #expect(throws: AccountProblem.nameTaken) { try await test.add("ANNA") }
    }

    @Test(arguments: ["", " anna", "an na", "änna", "-anna", "an/na", String(repeating: "a", count: 65), "an\u{0}na"])
    func namesThatAreNone(text: String) {
        #expect(AccountName(text) == nil)
    }

    @Test func passwordsAreFoundOutInTheSameWayForNamesThatNobodyHas() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna")
        #expect(try await test.store.passwordHash(anna).matches(Redacted("correct horse")))
        #expect(try await !test.store.passwordHash(anna).matches(Redacted("wrong horse")))
        #expect(try await test.store.passwordHash("bert".account) == .nobody)
        #expect(!PasswordHash.nobody.matches(Redacted("")))
        try await test.add("carl", .owner)
        try await test.store.set(anna, isSuspended: true)
        #expect(try await test.store.passwordHash(anna) == .nobody)
        try await test.store.set(anna, isSuspended: false)
        #expect(try await test.store.passwordHash(anna).matches(Redacted("correct horse")))
    }

    @Test func theLastOwnerStays() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna", .owner)
        await #expect(throws: AccountProblem.lastOwner) { try await test.store.remove(anna) }
        await #expect(throws: AccountProblem.lastOwner) { try await test.store.set(anna, role: .admin) }
        await #expect(throws: AccountProblem.lastOwner) { try await test.store.set(anna, isSuspended: true) }
        #expect(try test.reopened().accounts == test.store.accounts)
        let bert = try await test.add("bert", .owner)
        try await test.store.remove(anna)
        #expect(test.store.accounts.map(\.name) == [bert])
        await #expect(throws: AccountProblem.unknown) { try await test.store.remove(anna) }
    }

    @Test func anInvitationIsGoodOnceAndForAWeek() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let bert = try await test.add("bert", password: nil)
        let withdrawn = try await test.store.invite(bert, now: test.now)
        let link = try await test.store.invite(bert, now: test.now)
        let hash = try PasswordHash(Redacted("correct horse"), cost: TestAccounts.quick)
        await #expect(throws: AccountProblem.invitationUsed) {
            try await test.store.accept(withdrawn, password: hash, now: test.now)
        }
        await #expect(throws: AccountProblem.invitationUsed) {
            try await test.store.invited(by: link, now: test.now + 7 * 86_400)
        }
        let winners = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask { (try? await test.store.accept(link, password: hash, now: test.now)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        #expect(test.store.account(bert)?.state == .active)
    }

    @Test func aSecondFactor() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna")
        let second = OneTimePassword()
        #expect(try await test.store.begin(second, for: anna, code: Redacted("000000x"), now: test.now) == nil)
        #expect(test.store.account(anna)?.hasSecondFactor == false)
        let code = second.code(at: test.now)
        let codes = try #require(try await test.store.begin(second, for: anna, code: code, now: test.now))
        #expect(codes.codes.revealed.count == 10)
        #expect(try test.reopened().account(anna)?.hasSecondFactor == true)
        // The code that set it up was seen already.
        #expect(try await !test.store.takes(code, from: anna, now: test.now))
        #expect(try await test.store.takes(second.code(at: test.now + 30), from: anna, now: test.now + 30))
        let recovery = Redacted(codes.codes.revealed[3].uppercased().replacing("-", with: " "))
        #expect(try await test.store.takes(recovery, from: anna, now: test.now))
        #expect(try await !test.store.takes(recovery, from: anna, now: test.now))
        #expect(try await test.store.recoveryCodesLeft(of: anna) == 9)
        #expect(try await test.store.renewRecoveryCodes(of: anna).codes.revealed != codes.codes.revealed)
        #expect(try await !test.store.takes(Redacted(codes.codes.revealed[4]), from: anna, now: test.now))
        try await test.store.endSecondFactor(of: anna)
        #expect(try await test.store.recoveryCodesLeft(of: anna) == 0)
    }

    @Test func tokensOfPrograms() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna")
        let (text, token) = try await test.store.addToken(
            "door bell", for: anna, scopes: [.calls], ends: test.now + 60, now: test.now)
        #expect(try test.reopened().holder(of: text, now: test.now)?.token == token)
        #expect(test.store.holder(of: text, now: test.now + 60) == nil)
        #expect(test.store.holder(of: Redacted(text.revealed.dropLast() + "_"), now: test.now) == nil)
        try await test.store.withdrawToken(token.id, of: anna)
        #expect(test.store.holder(of: text, now: test.now) == nil)
        for number in 0..<AccountStore.mostTokens {
            _ = try await test.store.addToken("\(number)", for: anna, scopes: [], ends: nil, now: test.now)
        }
        await #expect(throws: AccountProblem.tooManyTokens) {
            try await test.store.addToken("one more", for: anna, scopes: [], ends: nil, now: test.now)
        }
    }

    @Test func foreignAndNewerFilesAreLeftAlone() throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let path = test.folder + "/other.sqlite"
        for content in ["", "no database at all, but long enough to be taken for one by a careless program"] {
            try content.write(toFile: path, atomically: false, encoding: .utf8)
            if content.isEmpty {
                // A file that a crash left empty is as good as none.
                #expect(throws: Never.self) { try AccountStore(path) }
            } else {
                #expect(throws: Problem.self) { try AccountStore(path) }
                #expect(try String(contentsOfFile: path, encoding: .utf8) == content)
            }
        }
    }

    @Test func theFileTellsNoSecret() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna")
        let (_, cookie) = try await test.store.beginSession(of: anna, device: "", source: "", now: test.now)
        let (token, _) = try await test.store.addToken("x", for: anna, scopes: [], ends: nil, now: test.now)
        let link = try await test.store.invite(anna, now: test.now)
        var all = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: test.folder) {
            all += FileManager.default.contents(atPath: test.folder + "/" + name) ?? Data()
        }
        #expect(all.count > 4096)
        #expect(all.firstRange(of: Data("anna".utf8)) != nil)
        for secret in ["correct horse", String(cookie.revealed.suffix(43)), token.revealed, link.revealed] {
            #expect(all.firstRange(of: Data(secret.utf8)) == nil)
        }
    }

    @Test func whatRolesMaySetUp() {
        #expect(Role.allCases.filter { Role.owner.maySetUp($0) } == Role.allCases)
        #expect(Role.allCases.filter { Role.admin.maySetUp($0) } == [.admin, .user, .auditor])
        for role in [Role.user, .auditor] { #expect(!Role.allCases.contains { role.maySetUp($0) }) }
        #expect(Permission.allCases.filter { Role.user.may($0) } == [.telephone])
        #expect(Permission.allCases.filter { Role.auditor.may($0) } == [.readEverything])
        #expect(Permission.allCases.filter { !Role.admin.may($0) } == [.handleKeys])
    }

    @Test func aNameOfSomebodyWhoLeftIsGivenToNobodyUntilNothingIsKeptUnderIt() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        try await test.add("carl", .owner)
        let anna = try await test.add("anna")
        try await test.store.remove(anna)
        await #expect(throws: AccountProblem.nameRetired) { try await test.add("anna") }
        let later = try test.reopened()
        await #expect(throws: AccountProblem.nameRetired) {
            try await later.add(anna, displayName: "", role: .user, password: nil, now: test.now)
        }
        try await later.release(anna)
        _ = try await later.add(anna, displayName: "", role: .user, password: nil, now: test.now)
        // Whoever never came has no calls.
        try await later.remove(anna)
        _ = try await later.add(anna, displayName: "", role: .user, password: nil, now: test.now)
    }

    @Test func whoeverIsSuspendedLosesTheirLinkForGood() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        try await test.add("carl", .owner)
        let anna = try await test.add("anna", password: nil)
        let link = try await test.store.invite(anna, now: test.now)
        try await test.store.set(anna, isSuspended: true)
        try await test.store.set(anna, isSuspended: false)
        await #expect(throws: AccountProblem.invitationUsed) { try await test.store.invited(by: link, now: test.now) }
        #expect(test.store.account(anna)?.state == .invited)
    }

    @Test func onADiskThatCannotBeWrittenWhatIsTakenAwayIsGoneAtOnceAndNothingIsGiven() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        try await test.add("carl", .owner)
        let (anna, bert, dora) = try await (test.add("anna", .admin), test.add("bert"), test.add("dora"))
        let (text, token) = try await test.store.addToken(
            "bell", for: bert, scopes: [.readStatus], ends: nil, now: test.now)
        let session = try await test.store.beginSession(of: dora, device: "", source: "", now: test.now).session
        let epoch = test.store.epoch(anna)
        // No journal can be made there any more.
        test.remove()
        func fails(_ body: () async throws -> Void) async {
            do {
                try await body()
                Issue.record("the disk took it")
            } catch let problem as Problem {
                #expect(problem.code == "account.file")
            } catch {
                Issue.record("\(error)")
            }
        }
        await fails { try await test.store.set(anna, role: .user) }
        #expect(test.store.account(anna)?.role == .user && test.store.epoch(anna) != epoch)
        await fails { try await test.store.set(anna, role: .owner) }
        #expect(test.store.account(anna)?.role == .user)
        await fails { try await test.store.withdrawToken(token.id, of: bert) }
        #expect(test.store.holder(of: text, now: test.now) == nil)
        await fails { try await test.store.set(dora, isSuspended: true) }
        #expect(test.store.holder(of: session.id, now: test.now) == nil)
        await fails { try await test.store.remove(bert) }
        #expect(test.store.account(bert) == nil)
        await #expect(throws: AccountProblem.lastOwner) { try await test.store.remove("carl".account) }
        #expect(try test.store.account("carl".account)?.role == .owner)
    }
}
