package import SIPTrace
package import Wire

/// The list of what can be told as a ladder.
package struct TraceList: Codable, Sendable, Equatable {
    /// The registration, the newest calls, and what belongs to neither.
    package var stories: [TraceSummary]
    /// Messages of strangers: counted, not kept.
    package var strangers: TraceCounts
    /// Datagrams and stream frames since the start that were no SIP.
    package var malformed: Int

    /// Stories in one answer, which has to fit a frame.
    package static let most = 200

    package init(stories: [TraceSummary] = [], strangers: TraceCounts = TraceCounts(), malformed: Int = 0) {
        self.stories = stories
        self.strangers = strangers
        self.malformed = malformed
    }
}

/// A piece of one ladder.
package struct TraceReport: Codable, Sendable, Equatable {
    package var summary: TraceSummary
    /// The address of ours that the provider's route leaves from.
    package var local: NetworkAddress.Host?
    package var messages: [TracedMessage]
    /// Nothing newer is known at the moment; otherwise ask again after the last of them.
    package var isAll: Bool
    /// A call that has ended, which gets no more messages of weight.
    package var isOver: Bool

    package init(
        summary: TraceSummary, local: NetworkAddress.Host?, messages: [TracedMessage], isAll: Bool, isOver: Bool
    ) {
        self.summary = summary
        self.local = local
        self.messages = messages
        self.isAll = isAll
        self.isOver = isOver
    }
}
