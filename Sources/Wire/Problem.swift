/// What went wrong, in the form that the page, the journal and the API all show.
package struct Problem: Error, Hashable, Sendable, Codable {
    /// Stable, lower case, dotted: `trunk.password-wrong`. Never reused for another meaning.
    package var code: String
    /// One sentence in plain English, without personal data.
    package var sentence: String
    /// What the reader can do about it; empty if nothing.
    package var remedy: String

    package init(code: String, sentence: String, remedy: String = "") {
        self.code = code
        self.sentence = sentence
        self.remedy = remedy
    }
}

extension Problem: CustomStringConvertible {
    package var description: String {
        remedy.isEmpty ? "\(sentence) [\(code)]" : "\(sentence) \(remedy) [\(code)]"
    }
}
