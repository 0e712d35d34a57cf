import Control
import Settings
import Wire

/// The settings as the API tells them.
struct SettingsListing: Encodable {
    struct Section: Encodable {
        /// The configuration file says it: then nothing else is chosen here.
        var fixed: Bool
        /// `file`, `page` or `default`.
        var origin: String
        /// As it was written, without passwords; one table, or a list of them; null where nothing is said.
        var value: Value
        /// What holds for a key that is not there. Those of an account depend on its preset: see `accounts`.
        var defaults: ChosenSettings.Table
        /// The accounts as they are used, in the order in which they are tried.
        var accounts: [Account]?
    }

    enum Value: Encodable {
        case table(ChosenSettings.Table)
        case list([ChosenSettings.Table])
        case nothing

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .table(let table): try container.encode(table)
            case .list(let tables): try container.encode(tables)
            case .nothing: try container.encodeNil()
            }
        }
    }

    /// An account with what its preset fills in.
    struct Account: Encodable {
        var name: String
        var preset: String?
        var priority: Int
        var server: String
        var port: Int?
        var domain: String?
        var backupServer: String?
        var transports: [String]
        var registers: Bool
        var user: String
        var expires: Int
        var codecs: [String]
        var hasPassword: Bool
        var echoTest: String?
        var digitTest: String?
    }

    var sections: [String: Section]
    /// Grows with each change in the page.
    var revision: Int
    /// Whether what was chosen holds in the core; null while that is not known.
    var inForce: Bool?
    /// Why it does not.
    var problem: ProblemBody?
    /// What of the last change holds only later.
    var notices: [ProblemBody]

    struct ProblemBody: Encodable {
        var code: String
        var sentence: String
        var remedy: String
    }
}

extension SettingsListing {
    init(_ state: SettingsDesk.State, path: String) {
        let chosen = try? state.chosen.settings(file: path, presets: state.file.presets, passwords: .elsewhere)
        let merged = state.file.settings.completed(by: chosen ?? BoxSettings(), except: state.said.keys)
        sections = [:]
        for section in SettingsSection.allCases {
            let said = state.said[section]
            let tables = (said ?? state.chosen.tables[section] ?? []).map { $0.withoutSecrets }
            var listed = Section(
                fixed: said != nil, origin: said != nil ? "file" : tables.isEmpty ? "default" : "page",
                value: section.isList ? .list(tables) : tables.first.map(Value.table) ?? .nothing,
                defaults: section.defaults)
            if section == .trunks {
                listed.accounts = merged.trunks.map { trunk in
                    Account(
                        trunk,
                        hasPassword: said != nil
                            ? !trunk.password.revealed.isEmpty
                            : state.inForce?.withPassword.contains(trunk.name) == true)
                }
            }
            sections[section.rawValue] = listed
        }
        revision = state.chosen.revision
        inForce = state.inForce.map { $0.problem == nil && $0.revision == state.chosen.revision }
        problem = (state.inForce?.problem).map { .init(code: $0.code, sentence: $0.sentence, remedy: $0.remedy) }
        notices = (state.inForce?.notices ?? []).map {
            .init(code: $0.code, sentence: $0.sentence, remedy: $0.remedy)
        }
    }
}

extension SettingsListing.Account {
    init(_ trunk: TrunkSettings, hasPassword: Bool) {
        (name, preset, priority) = (trunk.name, trunk.preset, trunk.priority)
        (server, port, domain, backupServer) = (
            trunk.server, trunk.port.map(Int.init), trunk.domain, trunk.backupServer
        )
        transports = trunk.transports.map(\.rawValue)
        (registers, user, expires, codecs) = (trunk.registers, trunk.user, trunk.expires, trunk.codecs)
        (echoTest, digitTest) = (trunk.echoTest, trunk.digitTest)
        self.hasPassword = hasPassword
    }
}

extension ChosenSettings.Table {
    fileprivate var withoutSecrets: ChosenSettings.Table {
        filter { $0.key != "password" && $0.key != "password_file" }
    }
}

extension SettingsSection {
    /// What holds for each key that has a default, under its name in the file.
    var defaults: ChosenSettings.Table {
        switch self {
        case .dialling:
            let rules = DiallingRules()
            return [
                "countries": .texts([]), "allow_premium": .flag(rules.allowsPremium),
                "allow_satellite": .flag(rules.allowsSatellite), "allow_short_numbers": .flag(rules.allowsShortNumbers),
                "allow_provider_codes": .flag(rules.allowsProviderCodes), "blocked_prefixes": .texts([]),
                "calls_at_once_per_user": .integer(rules.callsAtOncePerUser),
                "calls_at_once": .integer(rules.callsAtOnce),
                "new_calls_per_minute_per_user": .integer(rules.newCallsPerMinutePerUser),
                "new_calls_per_minute": .integer(rules.newCallsPerMinute),
            ]
        case .forwarding:
            return ["when": .text(ForwardingSettings.Occasion.unanswered.rawValue), "after": .integer(20)]
        case .ledger:
            let keeping = LedgerKeeping()
            return [
                "period": .text(keeping.period.rawValue), "megabytes": .integer(keeping.megabytes),
                "far_numbers": .text(keeping.farNumbers.rawValue),
            ]
        case .media: return ["advertise": .texts([])]
        case .trunks: return ["priority": .integer(1), "register": .flag(true), "expires": .integer(300)]
        }
    }
}
