package enum MessageIdentifiers {
    package static let all: [String: String] = [:]
    package static func identifier(of code: String) -> String? { all[code] }
}
