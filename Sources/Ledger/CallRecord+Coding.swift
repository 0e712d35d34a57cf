import Call
package import Sealing
package import Wire

extension CallRecord {
    package var header: RecordHeader {
        RecordHeader(
            identifier: RecordIdentifier(identifier), kind: .call, revision: stage.rawValue, schema: Self.schema)
    }

    /// See ``FieldWriter``; the numbers of the fields are for ever.
    package var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.write(1, dialled)
        fields.write(2, ringing)
        fields.write(3, answered)
        fields.write(4, ended)
        fields.write(5, [direction == .outbound ? 0 : 1, privacy.rawValue])
        far.write(to: &fields, 6)
        fields.write(10, user?.name)
        fields.write(11, trunk)
        fields.write(12, device)
        fields.write(13, zone)
        fields.write(14, reason?.rawValue)
        fields.write(15, nearCodec)
        fields.write(16, farCodec)
        fields.write(17, box)
        for (first, direction) in [(UInt8(20), quality.fromFar), (24, quality.fromNear)] {
            fields.write(first, direction.meanOpinion)
            fields.write(first + 1, direction.lossPerMillion)
            fields.write(first + 2, direction.jitterMicroseconds)
            fields.write(first + 3, direction.roundTripMicroseconds)
        }
        fields.write(28, cost?.micros)
        fields.write(29, cost?.currency)
        transferredTo?.write(to: &fields, 30)
        fields.write(34, forwardedTo?.description)
        fields.write(35, forwardedBy?.description)
        fields.write(36, verification?.rawValue)
        fields.pad()
        return fields.bytes
    }

    /// - Throws: `ledger.record-newer` for a form that this version does not know; `ledger.record-unreadable` for bytes that
    ///   are no call record although their seal is whole.
    package init(_ encoded: Redacted<[UInt8]>, as header: RecordHeader) throws(Problem) {
        guard header.schema == Self.schema else { throw LedgerProblem.recordNewer }
        guard header.kind == .call, let stage = Stage(rawValue: header.revision),
            let identifier = CallIdentifier(header.identifier.description),
            let fields = FieldReader(encoded.revealed), let dialled = fields.time(1),
            let flags = fields.value(5), flags.count == 2, let first = flags.first, let last = flags.last,
            let privacy = CallPrivacy(rawValue: last), let far = FarParty(fields, 6)
        else { throw LedgerProblem.recordUnreadable }
        self.init(
            identifier: identifier, stage: stage, box: fields.text(17) ?? "",
            direction: first == 0 ? .outbound : .inbound, far: far, privacy: privacy, dialled: dialled,
            zone: fields.text(13) ?? "UTC")
        (ringing, answered, ended) = (fields.time(2), fields.time(3), fields.time(4))
        user = fields.text(10).map { CallOwner($0) }
        (trunk, device) = (fields.text(11), fields.text(12))
        reason = fields.text(14).flatMap { EndReason(rawValue: $0) }
        (nearCodec, farCodec) = (fields.text(15), fields.text(16))
        func direction(_ first: Int) -> CallQuality.Direction {
            CallQuality.Direction(
                meanOpinion: fields.integer(first), lossPerMillion: fields.integer(first + 1),
                jitterMicroseconds: fields.integer(first + 2), roundTripMicroseconds: fields.integer(first + 3))
        }
        (quality.fromFar, quality.fromNear) = (direction(20), direction(24))
        if let micros = fields.integer(28) { cost = Cost(micros: micros, currency: fields.text(29) ?? "") }
        transferredTo = FarParty(fields, 30).flatMap { $0 == FarParty(number: nil) ? nil : $0 }
        forwardedTo = fields.text(34).flatMap { CallIdentifier($0) }
        forwardedBy = fields.text(35).flatMap { CallIdentifier($0) }
        verification = fields.text(36).flatMap { CallerVerification(rawValue: $0) }
    }
}

extension SealingKey {
    /// What the core does with a call's record: afterwards not even the core can read it.
    package func seal(_ record: CallRecord) throws(Problem) -> SealedRecord {
        try seal(record.encoded, as: record.header)
    }

    package func seal(_ detail: CallDetail, as identifier: RecordIdentifier) throws(Problem) -> SealedRecord {
        try seal(detail.encoded, as: RecordHeader(identifier: identifier, kind: detail.kind, schema: CallDetail.schema))
    }
}

/// What belongs to a call and is kept for another time than its record: how it sounded, or its messages.
package struct CallDetail: Sendable, Equatable {
    package static let schema: UInt16 = 1
    /// Bytes of content that fit into one; more goes into several.
    package static let largest = 60_000

    /// ``RecordKind/quality`` or ``RecordKind/trace``.
    package var kind: RecordKind
    package var call: CallIdentifier
    package var time: WallTime
    /// At most ``largest`` bytes; what is longer is cut.
    package var content: Redacted<[UInt8]>

    package init(kind: RecordKind, call: CallIdentifier, time: WallTime, content: Redacted<[UInt8]>) {
        (self.kind, self.call, self.time, self.content) = (kind, call, time, content)
    }

    package var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.write(1, time)
        fields.write(2, call.description)
        fields.write(3, Array(content.revealed.prefix(Self.largest)))
        fields.pad()
        return fields.bytes
    }

    /// - Throws: as for a ``CallRecord``.
    package init(_ encoded: Redacted<[UInt8]>, as header: RecordHeader) throws(Problem) {
        guard header.schema == Self.schema else { throw LedgerProblem.recordNewer }
        guard let fields = FieldReader(encoded.revealed), let time = fields.time(1),
            let call = fields.text(2).flatMap({ CallIdentifier($0) })
        else { throw LedgerProblem.recordUnreadable }
        self.init(kind: header.kind, call: call, time: time, content: Redacted(Array(fields.value(3) ?? [])))
    }
}
