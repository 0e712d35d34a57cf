package import Call
package import Wire

/// Everything that is kept of one call.
///
/// It is told three times: at the dial, at the answer and at the end, each time all that is known, under the same identifier
/// and with a higher revision. So the ledger has a record of a call that a crash cut short, and that record says so: it has no
/// end. Later amendments (the cost) have higher revisions still.
package struct CallRecord: Sendable, Equatable {
    /// The form that ``CallRecord/encoded`` writes.
    package static let schema: UInt16 = 1

    /// When the record was told.
    package enum Stage: UInt8, Sendable, Codable, CaseIterable, Comparable {
        case dialled = 0, answered = 1, ended = 2, amended = 3

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    package struct Cost: Sendable, Equatable {
        /// Millionths of the currency's unit.
        package var micros: Int64
        /// ISO 4217: `EUR`
        package var currency: String

        package init(micros: Int64, currency: String) {
            (self.micros, self.currency) = (micros, currency)
        }
    }

    package var identifier: CallIdentifier
    package var stage: Stage
    /// Which box: one ledger may be made from several.
    package var box: String
    package var direction: Call.Direction
    package var far: FarParty
    package var privacy: CallPrivacy
    /// What the provider found out about the number of whoever called.
    package var verification: CallerVerification?
    /// Who called or answered here; nil while it rings for everybody.
    package var user: CallOwner?
    /// The provider, as it is named in the settings; nil for the box's own services.
    package var trunk: String?
    /// What the user called with, as it names itself: `Firefox on Linux`.
    package var device: String?
    package var dialled: WallTime
    package var ringing: WallTime?
    package var answered: WallTime?
    package var ended: WallTime?
    /// Where the box stands, as the tz database names it: `Europe/Berlin`.
    package var zone: String
    package var reason: EndReason?
    /// `opus`, `PCMA`, …: between browser and box.
    package var nearCodec: String?
    /// Between box and provider.
    package var farCodec: String?
    package var quality = CallQuality()
    package var cost: Cost?
    /// Who took the place of ``far`` in the end; nil when the call kept its far side.
    package var transferredTo: FarParty?
    /// The record of the call that the box dialled to pass this one on.
    package var forwardedTo: CallIdentifier?
    /// The record of the call that came in, which this one passed on.
    package var forwardedBy: CallIdentifier?

    package init(
        identifier: CallIdentifier, stage: Stage, box: String, direction: Call.Direction, far: FarParty,
        privacy: CallPrivacy = .full, dialled: WallTime, zone: String
    ) {
        (self.identifier, self.stage, self.box, self.direction) = (identifier, stage, box, direction)
        (self.far, self.privacy, self.dialled, self.zone) = (far, privacy, dialled, zone)
    }

    /// How the call went, for filters and totals.
    package enum Outcome: String, Sendable, Codable, CaseIterable {
        case answered, missed, failed
        /// No end is known: it goes on, or the box lost it.
        case unfinished
    }

    package var outcome: Outcome {
        guard ended != nil, let reason else { return .unfinished }
        if answered != nil { return .answered }
        switch reason {
        case .hungUpHere, .hungUpThere, .busy, .declined, .noAnswer, .cancelled, .answeredElsewhere, .unavailable:
            return .missed
        default: return .failed
        }
    }

    /// Everybody on the far side whose number is known.
    package var numbers: [Redacted<String>] { [far.number, transferredTo?.number].compactMap(\.self) }

    /// From the answer to the end, whole seconds begun; 0 when either is missing.
    package var seconds: Int64 {
        guard let answered, let ended, ended > answered else { return 0 }
        return (ended.milliseconds - answered.milliseconds + 999) / 1000
    }
}

/// How a call sounded: each direction as its receiver saw it.
package struct CallQuality: Sendable, Equatable {
    package struct Direction: Sendable, Equatable {
        /// Mean opinion score in thousandths, 1,000...4,500 (ITU-T G.107 annex B).
        package var meanOpinion: Int64?
        /// Lost packets, parts in a million.
        package var lossPerMillion: Int64?
        /// Microseconds (RFC 3550 §6.4.1).
        package var jitterMicroseconds: Int64?
        package var roundTripMicroseconds: Int64?

        package init(
            meanOpinion: Int64? = nil, lossPerMillion: Int64? = nil, jitterMicroseconds: Int64? = nil,
            roundTripMicroseconds: Int64? = nil
        ) {
            (self.meanOpinion, self.lossPerMillion) = (meanOpinion, lossPerMillion)
            (self.jitterMicroseconds, self.roundTripMicroseconds) = (jitterMicroseconds, roundTripMicroseconds)
        }
    }

    /// What the provider sent and the box heard.
    package var fromFar = Direction()
    /// What the browser sent and the box heard.
    package var fromNear = Direction()

    package init() {}
}
