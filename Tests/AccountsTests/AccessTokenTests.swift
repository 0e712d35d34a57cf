import FoundationEssentials
import JWTKit
import Testing
import Wire

@testable import Accounts

@Suite struct AccessTokenTests {
    @Test func aTokenIsGoodForTenMinutesAndForItsSession() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna", .owner)
        let (session, _) = try await test.store.beginSession(of: anna, device: "", source: "", now: test.now)
        let tokens = AccessTokens(test.store)
        let token = try #require(await tokens.make(for: session, now: test.now))
        #expect(await tokens.holder(of: token, now: test.now)?.account.name == anna)
        #expect(await tokens.holder(of: token, now: test.now + 599)?.session.id == session.id)
        #expect(await tokens.holder(of: token, now: test.now + 601) == nil)
        // Another process has another key.
        #expect(await AccessTokens(test.store).holder(of: token, now: test.now) == nil)
        try await test.store.endSession(session.id)
        #expect(await tokens.holder(of: token, now: test.now) == nil)
        #expect(await tokens.make(for: session, now: test.now) == nil)
    }

    @Test func aChangedRoleEndsTokensThatAreOut() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        try await test.add("carl", .owner)
        let anna = try await test.add("anna", .admin)
        let (session, _) = try await test.store.beginSession(of: anna, device: "", source: "", now: test.now)
        let tokens = AccessTokens(test.store)
        let token = try #require(await tokens.make(for: session, now: test.now))
        try await test.store.set(anna, role: .user)
        #expect(await tokens.holder(of: token, now: test.now) == nil)
        let next = try #require(await tokens.make(for: session, now: test.now))
        #expect(await tokens.holder(of: next, now: test.now)?.account.role == .user)
    }

    private struct Other: JWTPayload {
        var iss = "sipcall"
        var aud = "sipcall-api"
        var sub = "anna"
        var sid: String
        var role = "owner"
        var epoch: Int64 = 0
        var iat: Double
        var exp: Double
        func verify(using _: some JWTAlgorithm) {}
    }

    @Test func forgedTokens() async throws {
        let test = try TestAccounts()
        defer { test.remove() }
        let anna = try await test.add("anna", .owner)
        let (session, _) = try await test.store.beginSession(of: anna, device: "", source: "", now: test.now)
        let tokens = AccessTokens(test.store)
        let token = try #require(await tokens.make(for: session, now: test.now)).revealed
        let parts = token.split(separator: ".").map(String.init)
        #expect(parts.count == 3)
        let claims = Other(
            sid: session.id, iat: test.now.timeIntervalSince1970, exp: test.now.timeIntervalSince1970 + 600)
        var header = JWTHeader()
        header.typ = "at+jwt"
        let none = await JWTKeyCollection().addUnsecuredNone()
        var forged = [try await none.sign(claims, header: header)]
        let symmetric = await JWTKeyCollection().add(
            hmac: HMACKey(from: String(repeating: "x", count: 64)), digestAlgorithm: .sha256)
        forged.append(try await symmetric.sign(claims, header: header))
        let foreign = await JWTKeyCollection().add(ecdsa: ES256PrivateKey())
        forged.append(try await foreign.sign(claims, header: header))
        forged += [
            "", ".", "..", "a.b.c", token + "A", parts[0] + "." + parts[1] + ".", String(repeating: "x", count: 5000),
        ]
        for text in forged {
            #expect(await tokens.holder(of: Redacted(text), now: test.now) == nil, "\(text.prefix(40))")
        }
        // Each character of the token changed: none is admitted as somebody else. The last one has bits that count for nothing.
        for index in token.indices.dropLast() where token[index] != "." {
            var changed = token
            changed.replaceSubrange(index...index, with: token[index] == "A" ? "B" : "A")
            #expect(
                await tokens.holder(of: Redacted(changed), now: test.now) == nil,
                "at \(token.distance(from: token.startIndex, to: index))")
        }
    }
}
