extension Redacted<String> {
    /// Enough to tell two calls apart, too little to call back: `…67`. Numbers of fewer than six digits show nothing.
    package var masked: String {
        let digits = revealed.filter { $0.isASCII && $0.isNumber }
        return digits.count < 6 ? "…" : "…\(digits.suffix(2))"
    }
}
