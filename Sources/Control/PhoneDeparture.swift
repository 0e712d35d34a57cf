/// How a page left the box. Only what it said tells whether it may come back.
package enum PhoneDeparture: String, Codable, Sendable {
    /// It signed off, or its session ended: its calls end at once.
    case signedOff
    /// It was closed, or is being loaded anew, which looks the same: its calls wait for a moment.
    case closed
    /// Its socket was lost without a word: its calls wait as long as a network or a browser may take to be back.
    case lost
}
