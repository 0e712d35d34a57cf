extension StringProtocol {
    /// The pieces between separators, empty ones left out. Works on bytes: by Swift's characters a CR LF is one
    /// letter, and a combining mark can swallow the separator before it.
    func fields(separatedBy separator: Unicode.Scalar = " ", atMost limit: Int = .max) -> [Substring] {
        let text = Substring(self)
        guard let byte = UInt8(exactly: separator.value) else { return [text] }
        return text.utf8.split(separator: byte, maxSplits: limit - 1).map(Substring.init)
    }
}
