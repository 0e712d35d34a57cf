import Call
import Control
import Ledger
import Wire

/// What `GET /api/v1/calls` answers.
struct CallListing: Encodable {
    struct Entry: Encodable {
        var call: CallIdentifier
        var direction: Call.Direction
        var outcome: Outcome
        var number: String?
        var name: String?
        var lastDigits: String?
        var region: String?
        var verification: CallerVerification?
        var user: String?
        var trunk: String?
        var device: String?
        var dialled: WallTime
        var ringing: WallTime?
        var answered: WallTime?
        var ended: WallTime?
        var zone: String
        /// From the answer to the end.
        var seconds: Int64
        var reason: EndReason?
        var sentence: String?
        var nearCodec: String?
        var farCodec: String?
        var fromFar: Sound?
        var fromNear: Sound?
        /// Who took the far side's place in the end.
        var transferredTo: String?
        /// The call that the box dialled to pass this one on.
        var forwardedTo: CallIdentifier?
        /// The call that came in, which this one passed on.
        var forwardedBy: CallIdentifier?
    }

    /// `CallRecord.Outcome`, and of a call without an end what the core says of it.
    enum Outcome: String, Encodable {
        case answered, missed, failed
        /// It goes on.
        case running
        /// The core that had it ended without a word: a crash, or the power went.
        case cutOff = "cut-off"
        /// No end is known, and the core cannot be asked or has just let go of it.
        case unfinished
    }

    struct Sound: Encodable {
        var meanOpinion: Double?
        var lossPercent: Double?
        var jitterMilliseconds: Double?
        var roundTripMilliseconds: Double?

        /// - Returns: nil when nothing is known.
        init?(_ quality: CallQuality.Direction) {
            guard quality != CallQuality.Direction() else { return nil }
            meanOpinion = quality.meanOpinion.map { Double($0) / 1000 }
            lossPercent = quality.lossPerMillion.map { Double($0) / 10_000 }
            jitterMilliseconds = quality.jitterMicroseconds.map { Double($0) / 1000 }
            roundTripMilliseconds = quality.roundTripMicroseconds.map { Double($0) / 1000 }
        }
    }

    /// The newest first.
    var calls: [Entry]
    /// For `after=` of the next page; missing at the end.
    var next: String?
    /// Records on the way that cannot be read.
    var unreadable: Int
    /// Parts of the ledger that cannot be read at the moment: their calls are missing here.
    var unusable: [Part]

    struct Part: Encodable {
        /// `2026-11.calls`
        var name: String
        var problem: Problem
    }

    /// - Parameter core: what the core says of itself; nil while it cannot be asked.
    init(_ page: CallPage, core: BoxStatus?) {
        calls = page.calls.map { Entry($0, core: core) }
        next = page.next?.description
        unreadable = page.unreadable
        unusable = page.unusable.map { Part(name: $0.name, problem: $0.problem) }
    }
}

extension CallListing.Entry {
    fileprivate init(_ record: CallRecord, core: BoxStatus?) {
        call = record.identifier
        direction = record.direction
        outcome = CallListing.Outcome(record, core: core)
        number = record.far.number?.revealed
        name = record.far.name?.revealed
        lastDigits = record.far.lastDigits?.revealed
        region = record.far.region
        verification = record.verification
        user = record.user?.name
        (trunk, device) = (record.trunk, record.device)
        (dialled, ringing, answered, ended) = (record.dialled, record.ringing, record.answered, record.ended)
        (zone, seconds) = (record.zone, record.seconds)
        (reason, sentence) = (record.reason, record.reason?.sentence)
        (nearCodec, farCodec) = (record.nearCodec, record.farCodec)
        fromFar = CallListing.Sound(record.quality.fromFar)
        fromNear = CallListing.Sound(record.quality.fromNear)
        transferredTo = record.transferredTo?.number?.revealed
        (forwardedTo, forwardedBy) = (record.forwardedTo, record.forwardedBy)
    }
}

extension CallListing.Outcome {
    init(_ record: CallRecord, core: BoxStatus?) {
        switch record.outcome {
        case .answered: self = .answered
        case .missed: self = .missed
        case .failed: self = .failed
        case .unfinished:
            guard let core, let started = core.started else {
                self = .unfinished
                return
            }
            // The core counts both halves of a call that was passed on as one.
            let call = record.forwardedBy ?? record.identifier
            if core.list.contains(where: { $0.call == call }) {
                self = .running
            } else {
                // The end of a call of this core may still be on its way here.
                self = record.dialled < started ? .cutOff : .unfinished
            }
        }
    }
}
