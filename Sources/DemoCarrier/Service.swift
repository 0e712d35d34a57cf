/// What a dialled number does.
enum Service: Equatable, Sendable {
    /// Answers after a second, greets, plays back what it hears.
    case greeting
    /// Greets, hangs up, and calls the registered user.
    case callBack
    /// A tone before the answer, as 183 with a session description.
    case earlyMedia
    /// 180, and never an answer.
    case ringForEver
    case wrongNumber
    case unavailable
    case busy

    /// - Parameter number: as dialled. What stands before the last three digits does not matter, so that numbers with a
    ///   country code work too; only the call back wants its number whole, because real numbers like to end in 100.
    init(dialled number: String) {
        self =
            switch number {
            case "100": .callBack
            case _ where number.hasSuffix("180"): .ringForEver
            case _ where number.hasSuffix("183"): .earlyMedia
            case _ where number.hasSuffix("404"): .wrongNumber
            case _ where number.hasSuffix("480"): .unavailable
            case _ where number.hasSuffix("486") || number.hasSuffix("busy"): .busy
            default: .greeting
            }
    }

    /// The status that refuses the call; nil if it is taken.
    var refusal: Int? {
        switch self {
        case .wrongNumber: 404
        case .unavailable: 480
        case .busy: 486
        case .greeting, .callBack, .earlyMedia, .ringForEver: nil
        }
    }

    var description: String {
        switch self {
        case .greeting: "greeting and echo"
        case .callBack: "greeting, then a call back"
        case .earlyMedia: "early media"
        case .ringForEver: "rings for ever"
        case .wrongNumber: "wrong number"
        case .unavailable: "not available"
        case .busy: "busy"
        }
    }

    /// For the person who is to try them.
    static let table = """
        Numbers to dial:
          100          greets you, hangs up, and calls you back 3 seconds later
          180          rings for ever
          183          plays a ringing tone of its own before it answers (early media)
          404          wrong number
          480          not available
          486          busy
          any other    answers after a second, greets you, then plays back what you say
        But for 100 only the last three digits count. Keys pressed in a call are shown here and come back as tones.
        """
}
