package import SIPTrace
package import Sealing
package import Wire

/// What the web process asks of the core.
///
/// The core gets the commands of one phone socket one after the other, in their order, and each once: a
/// repeated id is answered with the first answer. `attach` can come again: for a socket that is attached already
/// (after the control connection was lost), and for one that was lost in a call, from another web process too.
package enum ControlCommand: Codable, Sendable, Equatable {
    /// A page of this user is there and can be rung; answered with `ControlReply.attached`. Refused with
    /// `phone.other-user` when another user had this identifier.
    case attach(connection: ConnectionIdentifier, user: String)
    /// The phone socket is gone. What becomes of its calls depends on what it said; unless it signed off it may come back
    /// under its identifier.
    case detach(connection: ConnectionIdentifier, departure: PhoneDeparture)
    /// Calls `to`, as it was dialled; answered with `ControlReply.media`. `hidesNumber`: whether whoever is called is not told
    /// who calls; nil for as the account is set.
    case start(
        connection: ConnectionIdentifier, to: Redacted<String>, offer: Redacted<String>, hidesNumber: Bool? = nil)
    /// The page's SDP for an inbound call, sent while it rings, or for a call that it is in and whose sound it makes anew; answered
    /// with `ControlReply.media`.
    case offer(connection: ConnectionIdentifier, call: CallIdentifier, offer: Redacted<String>)
    case answer(connection: ConnectionIdentifier, call: CallIdentifier)
    /// Hangs up, gives up or declines, as the call's state wants.
    case end(connection: ConnectionIdentifier, call: CallIdentifier)
    /// Holds a call, or takes it up again; both at once for a call that is so already.
    case hold(connection: ConnectionIdentifier, call: CallIdentifier, wanted: Bool)
    /// Lets the far side call `to`, as it was dialled, in the place of this page; answered once it was asked to.
    case transfer(connection: ConnectionIdentifier, call: CallIdentifier, to: Redacted<String>)
    /// Brings the far sides of two calls of this page together.
    case bringTogether(connection: ConnectionIdentifier, call: CallIdentifier, other: CallIdentifier)
    /// Digits `0-9 A-D * #` that the box sends as telephone-events.
    case digits(connection: ConnectionIdentifier, call: CallIdentifier, digits: Redacted<String>)
    /// Answered with `ControlReply.status`.
    case status
    /// Rings the open pages and, when one picks up, calls `to`; answered with `ControlReply.call`.
    case summon(to: Redacted<String>, hidesNumber: Bool? = nil)
    /// Ends a call whoever has it.
    case hangUp(call: CallIdentifier)
    /// Sends every provider an OPTIONS; answered with `ControlReply.providers`.
    case askProviders
    /// What happened after the event of this number; answered with `ControlReply.events`.
    case events(after: UInt64)
    /// Reads the configuration again; answered with `reloaded` or `configurationRejected`.
    case reload
    /// What can be told as a ladder; answered with `ControlReply.traces`.
    case traces
    /// The messages of `registration`, of `others`, or of the call whose name begins so; answered with
    /// `ControlReply.trace`. Telephone numbers are shown when they are asked for, and that they were is an event.
    case trace(of: String, after: UInt64, showing: TraceShowing)
    /// No new calls are taken from now on, or again. Answered with `ControlReply.status`.
    case drain(Bool)
    /// How the ledger stands; from the web process alone. Answered with `done`.
    case ledger(LedgerHandover)
    /// The oldest sealed records that wait for the ledger behind a position (0: the oldest of all). Answered with
    /// `ControlReply.sealedRecords`; the same ones come again until they are acknowledged.
    case sealedRecords(after: Int64)
    /// These are in the ledger, durably: the core may delete them. Answered with `done`.
    case filed([RecordHeader])
    /// What was chosen in the page and holds in the core; from the web process alone. Answered with `ControlReply.chosen`.
    case chosen
    /// This was chosen in the page, with the passwords that were given for it; from the web process alone. Answered with
    /// `chosen` once it holds, with `choiceRefused` where the former settings go on to hold.
    case choose(SettingsChoice)
    /// The box has its owner: a core that waits for that opens its ports, and begins as every other one. From the web process
    /// alone, which knows the accounts; not sent to a core that does not wait, and so to no older one. Answered with `done`.
    case claimed
    #if DEBUG
        /// Lets a part (`sip`, `media`, `switchboard`, `storage`) hang for good. A release build does not have it.
        case fault(part: String)
    #endif
}

extension ControlCommand {
    /// The phone socket that the command is about; nil for a command about the box.
    package var connection: ConnectionIdentifier? {
        switch self {
        case .attach(let connection, _), .detach(let connection, _), .start(let connection, _, _, _),
            .offer(let connection, _, _), .answer(let connection, _), .end(let connection, _),
            .hold(let connection, _, _), .transfer(let connection, _, _), .bringTogether(let connection, _, _),
            .digits(let connection, _, _):
            connection
        case .status, .reload, .drain, .summon, .hangUp, .askProviders, .events, .traces, .trace, .ledger,
            .sealedRecords,
            .filed, .chosen, .choose, .claimed:
            nil
        #if DEBUG
            case .fault: nil
        #endif
        }
    }

    /// Only the web process may say it: the key that records are sealed with, which of them may be deleted, and what
    /// people with the right to do so chose.
    package var isForWeb: Bool {
        switch self {
        case .ledger, .sealedRecords, .filed, .chosen, .choose, .claimed: true
        default: false
        }
    }

    /// Whether the reply is kept for a command that comes again. Sealed records are large, and asking again does no harm.
    var keepsReply: Bool { if case .sealedRecords = self { false } else { true } }
}

/// The core's answer to one command.
package enum ControlReply: Codable, Sendable, Equatable {
    case done
    /// The answer to `attach`.
    case attached(AttachedPhone)
    /// The SDP answer for the page's offer.
    case media(call: CallIdentifier, answer: Redacted<String>)
    case status(BoxStatus)
    case call(CallIdentifier)
    /// One for each account, in the order in which they are tried.
    case providers([ProviderReport])
    /// The oldest of them that the core still knows, a few at a time, and the number of the newest of all.
    case events([BoxEvent], newest: UInt64)
    case traces(TraceList)
    case trace(TraceReport)
    /// Empty when none waits. `last`: the position of the last of them.
    case sealedRecords([SealedRecord], last: Int64)
    /// The configuration was read and holds from now on, but for what the notices say.
    case reloaded(notices: [Problem])
    /// The answer to `chosen` and `choose`.
    case chosen(SettingsInForce)
    /// What was chosen cannot hold. `key`: where the mistake is, as the page calls the place; empty where it is none of the choice.
    case choiceRefused(Problem, key: String)
    /// The configuration is of no use; the former one still holds.
    case configurationRejected(Problem)
    case failed(Problem)
}
