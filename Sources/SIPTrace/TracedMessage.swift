import SIPMessage
package import Wire

/// How much of a message is told. Credentials are not among what can be asked for.
package struct TraceShowing: Sendable, Equatable, Codable {
    /// Telephone numbers in full instead of their last two digits.
    package var numbers: Bool
    /// Session descriptions as they were written, without keys.
    package var descriptions: Bool

    package init(numbers: Bool = false, descriptions: Bool = false) {
        self.numbers = numbers
        self.descriptions = descriptions
    }
}

/// One message as it may be shown: every text in it is one line of printable characters and of bounded length.
package struct TracedMessage: Sendable, Equatable, Codable {
    /// Grows by one with each message that is kept, over all calls.
    package var number: UInt64
    package var time: WallTime
    package var direction: TraceDirection
    package var transport: TransportProtocol
    /// The other end.
    package var peer: NetworkAddress
    /// `INVITE sip:…00@sip.example.com`, `401 Unauthorized`
    package var line: String
    /// `2 INVITE`; nil where the message has none that can be read.
    package var cseq: String?
    /// On the wire; of a received message that of its plain form, without what was folded or abbreviated.
    package var bytes: Int
    /// The same was sent, or received, just before.
    package var isRepeated: Bool
    /// What else a reader wants to know, a few words each: `from …67`, `with credentials`, `expires 300`.
    package var notes: [String]
    /// The session description in one line: `audio pcmu pcma telephone-event, sendrecv, 192.0.2.1:20000`.
    package var session: String?
    /// Its lines, if they were asked for.
    package var description: [String]?

    /// What it takes in an answer, roughly.
    var size: Int { 400 + (description ?? []).reduce(0) { $0 + $1.utf8.count + 4 } }
}

extension TracedMessage {
    init(_ entry: TraceStory.Entry, showing: TraceShowing) {
        number = entry.number
        time = entry.time
        direction = entry.direction
        transport = entry.peer.transport
        peer = entry.peer.address
        isRepeated = entry.isRepeated
        notes = []
        let message: SIPMessage?
        switch entry.content {
        case .bytes(let written):
            bytes = written.count
            message = try? SIPMessage.parse(written)
        case .message(let heard):
            bytes = heard.serialized().count
            message = heard
        }
        guard let message else {
            // Ours are read back by the same parser; that is a property its tests hold.
            line = "a message that cannot be read"
            return
        }
        let words = TraceWords(showsNumbers: showing.numbers)
        switch message {
        case .request(let request): line = "\(words.plain(request.method.rawValue)) \(words.uri(request.uri))"
        case .response(let response): line = "\(response.status) \(words.phrase(response.reason))"
        }
        cseq = message.headers.cseq.map { words.plain($0.text) }
        notes = words.notes(of: message)
        (session, description) = words.session(of: message, withLines: showing.descriptions)
    }
}

/// A story in the list.
package struct TraceSummary: Sendable, Equatable, Codable {
    package var subject: TraceSubject
    package var messages: Int
    /// Messages between the first ones and the newest that are not kept any more.
    package var omitted: Int
    package var first: WallTime
    package var last: WallTime
    /// For a call.
    package var isInbound: Bool?
    /// The last digits of the number called or calling.
    package var far: String?
}
