import HTTPTypes

extension WebResponder {
    /// What everybody does with their own account.
    static let ownAccountRoutes: [Route] = [
        Route(.get, "account", .inPerson) { try await $0.ownAccount.show($1.asker.person) },
        Route(.patch, "account", .inPerson) { try await $0.ownAccount.describe($1.request, $1.asker.person) },
        Route(.put, "account/password", .inPerson) { try await $0.setOwnPassword($1) },
        Route(.post, "account/second-factor", .inPerson, needsProof: true) {
            try await $0.ownAccount.beginFactor($1.asker.person)
        },
        Route(.put, "account/second-factor", .inPerson, needsProof: true) {
            try await $0.ownAccount.confirmFactor($1.request, $1.asker.person)
        },
        Route(.delete, "account/second-factor", .inPerson, needsProof: true) {
            try await $0.ownAccount.endFactor($1.asker.person)
        },
        Route(.post, "account/recovery-codes", .inPerson, needsProof: true) {
            try await $0.ownAccount.renewCodes($1.asker.person)
        },
        Route(.get, "account/tokens", .inPerson) { try $0.ownAccount.listTokens($1.asker.person) },
        Route(.post, "account/tokens", .inPerson, needsProof: true) {
            try await $0.ownAccount.addToken($1.request, $1.asker.person)
        },
        Route(.delete, "account/tokens/*", .inPerson) {
            try await $0.ownAccount.withdrawToken($1.captures.first ?? "", $1.asker.person)
        },
    ]
}
