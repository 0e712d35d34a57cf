import Call
import Control
import FoundationEssentials
import Wire

/// What the box sends to a page: answers and notifications of JSON-RPC 2.0, as text.
enum PhoneNotice {
    struct Trunk: Encodable {
        var name: String
        var state: TrunkStatus.State
        var problem: Problem?

        init(_ status: TrunkStatus) {
            name = status.name
            state = status.state
            problem = status.problem
        }
    }

    private struct Ready: Encodable {
        var trunk: Trunk
        var user: String
        /// The page's identity: a secret of 128 bits, which it names when it comes back after its socket was lost.
        var phone: ConnectionIdentifier
    }

    fileprivate struct Calls: Encodable {
        struct Call: Encodable {
            var call: CallIdentifier
            /// As a page calls it: a call to the page that nobody has answered is `incoming`.
            var state: String
            // For a page that was loaded anew and knows nothing of it.
            var direction: String
            var party: Redacted<String>?
            var name: Redacted<String>?
            var verification: CallerVerification?
            /// Since the answer.
            var seconds: Double?
            var hidden: Bool
        }

        var calls: [Call]
    }

    static let otherUser = "phone.other-user"

    private struct Incoming: Encodable {
        var call: CallIdentifier
        var from: Redacted<String>
        var name: Redacted<String>?
        var verification: CallerVerification?
    }

    private struct Summons: Encodable {
        var call: CallIdentifier
        var to: Redacted<String>
    }

    private struct State: Encodable {
        var call: CallIdentifier
        var state: CallState
    }

    private struct Held: Encodable {
        var call: CallIdentifier
        var here: Bool
        var there: Bool
    }

    private struct Codec: Encodable {
        var call: CallIdentifier
        var codec: String
    }

    private struct Digit: Encodable {
        var call: CallIdentifier
        var digit: String
    }

    private struct Told: Encodable {
        var call: CallIdentifier
        var code: String
        var sentence: String
        var remedy: String

        init(_ call: CallIdentifier, _ problem: Problem) {
            self.call = call
            code = problem.code
            sentence = problem.sentence
            remedy = problem.remedy
        }
    }

    static func ready(_ trunk: TrunkStatus, user: String, phone: ConnectionIdentifier) -> String {
        notification("phone.ready", Ready(trunk: Trunk(trunk), user: user, phone: phone))
    }

    /// Every call of the page that goes on: any other is over. One that it does not know it takes back, or ends.
    static func calls(_ calls: [ControlSnapshot.OngoingCall]) -> String {
        notification("phone.calls", Calls(calls: calls.map(Calls.Call.init)))
    }

    static func trunk(_ trunk: TrunkStatus) -> String {
        notification("trunk.state", Trunk(trunk))
    }

    static func incoming(
        _ call: CallIdentifier, from: Redacted<String>, name: Redacted<String>?, verification: CallerVerification?
    ) -> String {
        notification("call.incoming", Incoming(call: call, from: from, name: name, verification: verification))
    }

    /// Rings the page for a call that the box makes to `to` once it is answered.
    static func summons(_ call: CallIdentifier, to: Redacted<String>) -> String {
        notification("call.incoming", Summons(call: call, to: to))
    }

    static func state(_ call: CallIdentifier, _ state: CallState) -> String {
        notification("call.state", State(call: call, state: state))
    }

    /// Who holds the call: the person at the page, the far side, both, or nobody.
    static func held(_ call: CallIdentifier, here: Bool, there: Bool) -> String {
        notification("call.held", Held(call: call, here: here, there: there))
    }

    static func codec(_ call: CallIdentifier, _ codec: String) -> String {
        notification("call.codec", Codec(call: call, codec: codec))
    }

    static func digit(_ call: CallIdentifier, _ digit: String) -> String {
        notification("call.digit", Digit(call: call, digit: digit))
    }

    static func notice(_ call: CallIdentifier, _ problem: Problem) -> String {
        notification("call.notice", Told(call, problem))
    }

    static func ended(_ call: CallIdentifier, _ reason: EndReason) -> String {
        notification("call.ended", Told(call, reason.problem))
    }

    // MARK: Answers

    struct Nothing: Encodable {}

    struct Media: Encodable {
        /// Only for a call that the page does not know yet.
        var call: CallIdentifier?
        var sdp: Redacted<String>
    }

    private struct Answer<Content: Encodable>: Encodable {
        var jsonrpc = "2.0"
        var id: RPCIdentifier
        var result: Content
    }

    private struct Failure: Encodable {
        var jsonrpc = "2.0"
        var id: RPCIdentifier
        var error: RPCError
    }

    static func answer(_ id: RPCIdentifier, _ result: some Encodable) -> String {
        text(Answer(id: id, result: result))
    }

    static func failure(_ id: RPCIdentifier, _ error: RPCError) -> String {
        text(Failure(id: id, error: error))
    }

    private struct Notification<Content: Encodable>: Encodable {
        var jsonrpc = "2.0"
        var method: String
        var params: Content
    }

    private static func notification(_ method: String, _ content: some Encodable) -> String {
        text(Notification(method: method, params: content))
    }

    private static func text(_ message: some Encodable) -> String {
        // Everything above can be written as JSON; an empty text would be ignored by the page.
        (try? JSONEncoder().encode(message)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension PhoneNotice.Calls.Call {
    fileprivate init(_ ongoing: ControlSnapshot.OngoingCall) {
        let isIncoming = ongoing.from != nil && ongoing.state == .ringing || ongoing.to != nil
        self.init(
            call: ongoing.call, state: isIncoming ? "incoming" : ongoing.state.rawValue,
            direction: ongoing.direction.rawValue,
            party: ongoing.party, name: ongoing.name, verification: ongoing.verification,
            seconds: ongoing.talkSeconds, hidden: ongoing.isHidden)
    }
}
