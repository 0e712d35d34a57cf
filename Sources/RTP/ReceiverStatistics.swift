package import Wire

/// What RFC 3550 counts about a stream that comes in: extended sequence number and loss (A.1, A.3), interarrival
/// jitter (A.8), and what the next report block says about it (§6.4.1).
///
/// It judges nothing: the packet that shows a jump is counted as such, and may still be played.
package struct ReceiverStatistics: Equatable, Sendable, Codable {
    /// Limits of RFC 3550 A.1.
    static let maximumDropout: UInt16 = 3000
    static let maximumMisorder: UInt16 = 100

    package enum Acceptance: Equatable, Sendable {
        case counted
        /// The source is new and has not yet sent enough packets in a row.
        case onProbation
        /// A jump that the next packet must confirm: not counted.
        case jumped
    }

    /// The source's; nil before its first packet.
    package private(set) var ssrc: UInt32?
    private let minimumSequential: Int
    private var probation = 0
    private var highest: UInt16 = 0
    private var cycles: UInt32 = 0
    private var base: UInt32 = 0
    private var suspect: UInt16?
    private var received: Int64 = 0
    private var expectedPrior: Int64 = 0
    private var receivedPrior: Int64 = 0

    private var clockRate: UInt32 = 0
    private var lastTransit: Int64?
    /// Scaled by 16, as in RFC 3550 A.8.
    private var scaledJitter: Int64 = 0

    private var lastSenderReport: UInt32 = 0
    private var lastSenderReportAt: MonotonicTime = .zero

    /// Of all sources together, since the beginning.
    package private(set) var packets: Int64 = 0
    /// Payload bytes of the same.
    package private(set) var bytes: Int64 = 0
    private var lostBefore: Int64 = 0

    /// - Parameter minimumSequential: MIN_SEQUENTIAL of RFC 3550 A.1: packets in a row before a source is believed.
    ///   0 for sources that signalling and SRTP vouch for, so that a call's first packet counts.
    package init(minimumSequential: Int = 0) {
        self.minimumSequential = max(0, minimumSequential)
    }

    /// Counts a packet.
    /// - Parameters:
    ///   - clockRate: of its payload type, Hz.
    ///   - isTimed: false for telephone-events, whose timestamps stand still and would look like jitter.
    ///   - now: when it came.
    @discardableResult
    package mutating func received(
        _ header: RTPHeader, clockRate: UInt32, isTimed: Bool = true, now: MonotonicTime
    ) -> Acceptance {
        let number = header.sequenceNumber
        if ssrc != header.ssrc {
            lostBefore = lost
            ssrc = header.ssrc
            lastSenderReport = 0
            lastTransit = nil
            scaledJitter = 0
            restart(at: number)
            probation = minimumSequential
            if probation > 0 { highest = number &- 1 }
        }
        let acceptance = count(number)
        guard acceptance == .counted else { return acceptance }
        received &+= 1
        packets &+= 1
        bytes &+= Int64(header.payload.count)
        if isTimed { measureJitter(header.timestamp, clockRate: max(1, clockRate), now: now) }
        return .counted
    }

    /// RFC 3550 A.1, init_seq.
    private mutating func restart(at number: UInt16) {
        base = UInt32(number)
        highest = number
        suspect = nil
        cycles = 0
        received = 0
        receivedPrior = 0
        expectedPrior = 0
    }

    /// RFC 3550 A.1, update_seq.
    private mutating func count(_ number: UInt16) -> Acceptance {
        if probation > 0 {
            guard number == highest &+ 1 else {
                probation = max(1, minimumSequential - 1)
                highest = number
                return .onProbation
            }
            probation -= 1
            highest = number
            guard probation == 0 else { return .onProbation }
            restart(at: number)
            return .counted
        }
        let ahead = number &- highest
        if ahead < Self.maximumDropout {
            if number < highest { cycles &+= 0x10000 }
            highest = number
        } else if ahead <= 0 &- Self.maximumMisorder {
            guard suspect == number else {
                suspect = number &+ 1
                return .jumped
            }
            let lostSoFar = lost
            restart(at: number)
            lostBefore = lostSoFar
        }
        return .counted
    }

    /// RFC 3550 A.8.
    private mutating func measureJitter(_ timestamp: UInt32, clockRate: UInt32, now: MonotonicTime) {
        if clockRate != self.clockRate {
            scaledJitter = rescale(scaledJitter, from: max(1, self.clockRate), to: clockRate)
            self.clockRate = clockRate
            lastTransit = nil
        }
        let arrival = UInt32(truncatingIfNeeded: now.ticks(since: .zero, at: clockRate))
        let transit = Int64(Int32(bitPattern: arrival &- timestamp))
        defer { lastTransit = transit }
        guard let lastTransit else { return }
        let difference = Int64(Int32(truncatingIfNeeded: transit &- lastTransit).magnitude)
        // Five seconds is no jitter but a clock that was set anew.
        guard difference <= 5 * Int64(clockRate) else { return }
        scaledJitter += difference - ((scaledJitter + 8) >> 4)
    }
}

extension ReceiverStatistics {
    /// The highest sequence number with its cycles (RFC 3550 §6.4.1).
    package var extendedHighest: UInt32 { cycles &+ UInt32(highest) }

    private var expected: Int64 {
        guard ssrc != nil, probation == 0, received > 0 else { return received }
        return Int64(extendedHighest) - Int64(base) + 1
    }

    /// Packets lost of all sources together; negative when duplicates outnumber losses (RFC 3550 A.3).
    package var lost: Int64 { lostBefore &+ expected &- received }

    /// Interarrival jitter, smoothed (RFC 3550 §6.4.1).
    package var jitter: Duration {
        clockRate == 0 ? .zero : Duration(ticks: scaledJitter >> 4, clockRate: clockRate)
    }

    /// Notes a sender report of the source, for LSR and DLSR of the next report block.
    package mutating func receivedSenderReport(ssrc: UInt32, ntp: NTPTime, now: MonotonicTime) {
        guard ssrc == self.ssrc else { return }
        lastSenderReport = ntp.middle
        lastSenderReportAt = now
    }

    /// What the next report says; the interval for `fractionLost` begins anew.
    /// - Returns: nil while nothing was counted.
    package mutating func makeReport(now: MonotonicTime) -> ReportBlock? {
        guard let ssrc, received > 0 else { return nil }
        let expectedInterval = expected &- expectedPrior
        let lostInterval = expectedInterval &- (received &- receivedPrior)
        expectedPrior = expected
        receivedPrior = received
        let isLossy = expectedInterval > 0 && lostInterval > 0
        let fraction = isLossy ? UInt8(clamping: (lostInterval << 8) / expectedInterval) : 0
        let delay = lastSenderReport == 0 ? 0 : max(0, now.ticks(since: lastSenderReportAt, at: 65536))
        return ReportBlock(
            ssrc: ssrc, fractionLost: fraction,
            cumulativeLost: Int32(min(0x7f_ffff, max(-0x80_0000, expected &- received))),
            extendedHighest: extendedHighest, jitter: UInt32(clamping: scaledJitter >> 4),
            lastSenderReport: lastSenderReport, delaySinceLastSenderReport: UInt32(clamping: delay))
    }
}
