import SIPMessage
import Wire

/// What a message says, in words that may be shown. Whatever strangers wrote loses control characters, which a terminal
/// would obey, and its length.
struct TraceWords {
    let showsNumbers: Bool

    private static let longest = 80

    /// - Parameter most: characters.
    func plain(_ text: some StringProtocol, most: Int = TraceWords.longest) -> String {
        var output = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < most else {
                output.append("…")
                break
            }
            output.append(Self.isHarmless(scalar) ? scalar : "·")
            count += 1
        }
        return String(output)
    }

    /// Controls, and what turns the direction of writing or joins with its neighbours, stay out.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .nonspacingMark, .enclosingMark:
            false
        default: true
        }
    }

    /// A telephone number, or whoever else a user part names.
    func user(_ user: String) -> String {
        showsNumbers ? plain(user) : Redacted(user).masked
    }

    func uri(_ uri: URI) -> String {
        switch uri {
        case .sip(let sip):
            let scheme = sip.isSecure ? "sips:" : "sip:"
            let user = sip.user.map { "\(self.user($0))@" } ?? ""
            return "\(scheme)\(user)\(plain(sip.host.text))" + (sip.port.map { ":\($0)" } ?? "")
        case .other(let scheme, _):
            return "\(plain(scheme, most: 20)):" + (uri.user.map(user) ?? "…")
        }
    }

    /// Free text of the other side, with numbers in it at times: five digits and more, with the signs between them that
    /// people write, are one.
    func phrase(_ text: String, most: Int = TraceWords.longest) -> String {
        guard !showsNumbers else { return plain(text, most: most) }
        var output = ""
        var run = ""
        var signs = ""
        func flush() {
            output += (run.count(where: \.isWholeNumber) >= 5 ? Redacted(run).masked : run) + signs
            (run, signs) = ("", "")
        }
        // What lies beyond is not shown anyway; a run that is cut stays masked.
        for character in text.prefix(4 * most) {
            if character.isWholeNumber {
                run += signs + String(character)
                signs = ""
            } else if !run.isEmpty, " -./()".contains(character) {
                signs.append(character)
            } else {
                flush()
                output.append(character)
            }
        }
        flush()
        return plain(output, most: most)
    }
}

// MARK: - Header fields worth a word

extension TraceWords {
    func notes(of message: SIPMessage) -> [String] {
        let headers = message.headers
        var notes: [String] = []
        if message.request?.method == .invite || message.request?.method == .refer {
            if let from = headers.from?.uri.user { notes.append("from \(user(from))") }
            if let to = headers.to?.uri.user { notes.append("to \(user(to))") }
        }
        if headers.contains(.authorization) || headers.contains(.proxyAuthorization) {
            notes.append("with credentials")
        }
        let challenges = ((try? headers.wwwChallenges()) ?? []) + ((try? headers.proxyChallenges()) ?? [])
        for challenge in challenges.prefix(3) {
            notes.append("asks for credentials" + (challenge.realm.map { " for \(plain($0, most: 40))" } ?? ""))
        }
        if let expires = headers.expires ?? headers.contact?.expires { notes.append("expires \(expires)") }
        let listed: [(SIPHeaderName, String)] = [
            (.require, "requires"), (.unsupported, "unsupported"), (.retryAfter, "retry after"),
            (.minExpires, "at least"), (.sessionExpires, "session expires"), (.minSE, "session at least"),
            (.rSeq, "reliable"), (.warning, "warning"), (.reason, "reason"), (.event, "event"),
        ]
        for (name, word) in listed {
            if let value = headers[name] { notes.append("\(word) \(phrase(value, most: 60))") }
        }
        if let refer = headers.referTo?.uri { notes.append("refer to \(uri(refer))") }
        if headers.contains(.replaces) { notes.append("replaces a call") }
        return notes
    }
}
