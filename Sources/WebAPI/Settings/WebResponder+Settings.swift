import Accounts
import Control
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Settings
import Wire

// The settings that people choose, and what is known of providers.
extension WebResponder {
    func readSettings() async throws -> Response {
        guard let settings else { throw Refusal(.notFound, WebProblem.notFound) }
        return try listing(try await state(settings))
    }

    /// - Throws: a refusal when the configuration file was made unusable while the box runs.
    private func state(_ desk: SettingsDesk) async throws -> SettingsDesk.State {
        do {
            return try await desk.state()
        } catch let error as SettingsError {
            throw Refusal(.internalServerError, error.problem)
        }
    }

    private func listing(_ state: SettingsDesk.State) throws -> Response {
        var response = try Response.json(SettingsListing(state, path: "settings.toml"))
        response.headers[.eTag] = state.tag
        return response
    }

    func changeSettings(_ exchange: Exchange) async throws -> Response {
        guard let settings, let section = exchange.captures.first.flatMap(SettingsSection.init) else {
            throw Refusal(.notFound, WebProblem.notFound)
        }
        let condition = exchange.request.headers[.ifMatch]
        guard let condition else { throw Refusal(.preconditionRequired, SettingsProblem.unconditional) }
        var (tables, passwords) = (try await Self.tables(exchange.request, of: section), [String: Redacted<String>]())
        if section == .trunks { try Self.takePasswords(&tables, into: &passwords) }
        let former: ChosenSettings
        do {
            former = try await settings.change(section, to: tables, passwords: passwords, control) { state in
                Self.holds(condition, state.tag)
            }
        } catch let error as SettingsError {
            throw Refusal(.internalServerError, error.problem)
        } catch let problem as Problem {
            throw Refusal(.serviceUnavailable, problem)
        }
        let now = try await state(settings)
        await note(former, now.chosen, passwords.keys.sorted(), by: try exchange.asker.name)
        return try listing(now)
    }

    private func note(_ former: ChosenSettings, _ now: ChosenSettings, _ accounts: [String], by name: String) async {
        var former = former
        former.revision = now.revision
        var changes = [SettingsChanges.between(former.toml, now.toml)].filter { !$0.isEmpty }
        changes += accounts.map { "[[trunk]] password of \"\($0)\": …" }
        if !changes.isEmpty { await trail.note(.settingsChange, by: name, changes.joined(separator: "; ")) }
    }

    /// RFC 9110 §13.1.1, by the strong comparison.
    static func holds(_ condition: String, _ tag: String) -> Bool {
        condition.split(separator: ",").contains { part in
            let part = part.filter { $0 != " " && $0 != "\t" }
            return part == "*" || part == tag
        }
    }

    /// A table, for accounts a list of them; `null` for what holds where nothing was chosen. A key with `null` is as one that is
    /// not there.
    private static func tables(
        _ request: Request, of section: SettingsSection
    ) async throws -> [ChosenSettings.Table] {
        if section.isList {
            let list = try await request.json(as: [[String: SettingsValue?]]?.self)
            return list?.map { $0.compactMapValues { $0 } } ?? []
        }
        let table = try await request.json(as: [String: SettingsValue?]?.self)
        return table.map { [$0.compactMapValues { $0 }] } ?? []
    }

    /// They go to the core and are kept nowhere else. An empty one is as one that was not given: the former goes on to be used.
    private static func takePasswords(
        _ tables: inout [ChosenSettings.Table], into passwords: inout [String: Redacted<String>]
    ) throws {
        for (index, table) in tables.enumerated() {
            guard let value = table["password"] else { continue }
            guard case .text(let password) = value, password.utf8.count <= 1024 else {
                let problem = Problem(
                    code: "settings.invalid", sentence: "trunks[\(index)].password: This is no password.",
                    remedy: "Copy it from the provider's portal.")
                throw Refusal(.unprocessableContent, problem, key: "trunks[\(index)].password")
            }
            tables[index]["password"] = nil
            if case .text(let name) = table["name"], !password.isEmpty { passwords[name] = Redacted(password) }
        }
    }

    func listPresets() async throws -> Response {
        guard let settings else { throw Refusal(.notFound, WebProblem.notFound) }
        return try .json(try await state(settings).file.presets.all.map(PresetListing.init))
    }
}

/// What is known of a provider, for whoever chooses one.
private struct PresetListing: Encodable {
    /// What goes under `preset` of an account.
    var preset: String
    var name: String
    var website: String?
    /// The keys of an account that must be given.
    var needs: [String]
    /// `registration`, `address`, `invite`; the first is the usual one.
    var authentication: [String]
    /// To choose one of; the first by default.
    var servers: [String]
    /// A name with a part in capitals that belongs to the account.
    var serverPattern: String?
    var transports: [String]
    var codecs: [String]
    var userHint: String?
    var passwordExcludes: String?
    var echoTest: String?
    var digitTest: String?

    init(_ preset: ProviderPreset) {
        (self.preset, name, website) = (preset.identifier, preset.name, preset.website)
        authentication = preset.authentication.map(\.rawValue)
        (servers, serverPattern) = (preset.servers, preset.serverPattern)
        transports = preset.transports.map(\.rawValue)
        (codecs, userHint, passwordExcludes) = (preset.codecs, preset.userHint, preset.passwordExcludes)
        (echoTest, digitTest) = (preset.echoTest, preset.digitTest)
        needs = preset.servers.isEmpty ? ["server"] : []
        switch preset.authentication.first {
        case .registration: needs += ["user", "password"]
        case .invite: needs += ["user", "password", "number"]
        case .address, nil: needs += ["number"]
        }
    }
}
