import Call
import SDP
import SIP
import Wire

/// One of a call's legs to the provider, as sound was agreed on with it.
struct TrunkSide: Equatable {
    /// What we said last that holds: an offer that was answered, or an answer.
    var description: SessionDescription
    /// What both sides agreed on; known from the first SDP of the far side on.
    var audio: TrunkAudio?
    /// What we offered since then, and what was not answered yet.
    var offer: SessionDescription?

    /// The description that the next one of ours counts on from: no version is used twice.
    var newest: SessionDescription {
        var newest = description
        if let offer { newest.origin = offer.origin }
        return newest
    }
}

/// The next far side of a call, while it is being dialled.
struct NextFarSide {
    let leg: LegIdentifier
    let number: Redacted<String>
    var side: TrunkSide
    /// What it counts as for the dialling policy.
    let permit: CallIdentifier
    let request: TransferRequest
    /// Who asked for it, and is told how it goes.
    let referrer: LegIdentifier
}

/// The second trunk leg of a call that was passed on.
struct Onward {
    let leg: LegIdentifier
    let number: Redacted<String>
    var side: TrunkSide
    /// Of its record: somebody pays for it as for any call.
    let identifier: CallIdentifier
    let dialledTime = WallTime.now()
    var ringingTime: WallTime?
    /// Why it ended, where that is what ended the call.
    var end: EndReason?
    /// How it goes there.
    var way: CallWay?
    /// It rings there, or sound may come from there: the call stays on its way.
    var isAlerting = false
}

extension OngoingCall {
    /// The trunk legs of a call: the far side's, that of the one who is about to take its place, and that of the number
    /// that the call was passed on to.
    subscript(side leg: LegIdentifier) -> TrunkSide? {
        get {
            if let next, next.leg == leg { return next.side }
            if let onward, onward.leg == leg { return onward.side }
            guard leg == trunkLeg, let trunkDescription else { return nil }
            return TrunkSide(description: trunkDescription, audio: trunkAudio, offer: trunkOffer)
        }
        set {
            guard let newValue else { return }
            if next?.leg == leg {
                next?.side = newValue
            } else if onward?.leg == leg {
                onward?.side = newValue
            } else if leg == trunkLeg {
                adopt(newValue)
            }
        }
    }

    /// How a call goes over one of the trunk legs that were dialled; nil for any other, and before it is dialled.
    subscript(way leg: LegIdentifier) -> CallWay? {
        get {
            if let onward, onward.leg == leg { return onward.way }
            return leg == trunkLeg ? way : nil
        }
        set {
            if onward?.leg == leg {
                onward?.way = newValue
            } else if leg == trunkLeg {
                way = newValue
                if let newValue { trunk = newValue.trunk }
            }
        }
    }

    /// What is dialled on a trunk leg.
    func number(dialledOn leg: LegIdentifier) -> Redacted<String>? {
        if let onward, onward.leg == leg { return onward.number }
        return leg == trunkLeg ? dialled : nil
    }

    /// Nothing was heard yet on a leg that was dialled: nobody rings there, so another server may be asked instead.
    func mayGoElsewhere(_ leg: LegIdentifier) -> Bool {
        if let onward, onward.leg == leg { return !onward.isAlerting && call.publicState == .ringing }
        return leg == trunkLeg && call.publicState == .dialling
    }

    /// This side is the far side's now.
    mutating func adopt(_ side: TrunkSide) {
        (trunkDescription, trunkAudio, trunkOffer) = (side.description, side.audio, side.offer)
    }
}
