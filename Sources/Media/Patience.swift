/// How long the media loop waits before it says that something is missing.
struct Patience: Sendable {
    /// For a valid check of the browser, which makes one each 5 s or oftener (RFC 7675 §5.1).
    var consent = Duration.seconds(15)
    /// For the keys, from the leg's opening.
    var connection = Duration.seconds(30)
    /// For RTP of a trunk whose call is connected.
    var silence = Duration.seconds(30)
    /// Between two reports of a leg (RFC 3550 §6.2).
    var reports = Duration.seconds(5)
    /// Whether a browser gets packets of silence while it waits for its first sound.
    var fillsTheWait = true
}
