import RTP
import Testing
import Wire

private func report(_ statistics: inout ReceiverStatistics, now: MonotonicTime) throws -> ReportBlock {
    let block = statistics.makeReport(now: now)
    return try #require(block)
}

@Suite("RFC 3550 A.1, A.3, A.8 what a receiver counts")
struct ReceiverStatisticsTests {
    @Test("A.1: a source is believed after two packets in a row, if it must be")
    func probation() {
        var statistics = ReceiverStatistics(minimumSequential: 2)
        #expect(statistics.received(header(10, 0), clockRate: 8000, now: .zero) == .onProbation)
        #expect(statistics.received(header(20, 0), clockRate: 8000, now: .zero) == .onProbation)
        let early = statistics.makeReport(now: .zero)
        #expect(early == nil)
        #expect(statistics.received(header(21, 0), clockRate: 8000, now: .zero) == .counted)
        #expect(statistics.packets == 1)
        #expect(statistics.extendedHighest == 21)
    }

    @Test("A.1: the first packet counts when signalling vouches for the source", arguments: [UInt16(0), 1, 65535])
    func noProbation(first: UInt16) {
        var statistics = ReceiverStatistics()
        #expect(statistics.received(header(first, 0), clockRate: 8000, now: .zero) == .counted)
        #expect(statistics.extendedHighest == UInt32(first))
        #expect(statistics.lost == 0)
    }

    @Test("A.1: the extended number grows across wraps, late packets do not add a cycle")
    func wrap() throws {
        var statistics = ReceiverStatistics()
        for number in 65_530...(65_536 + 65_540) where number != 65_537 {
            statistics.received(header(UInt16(truncatingIfNeeded: number), 0), clockRate: 8000, now: .zero)
        }
        #expect(statistics.extendedHighest == 131_076)
        #expect(statistics.lost == 1)
        // From before the wrap.
        statistics.received(header(65_535, 0), clockRate: 8000, now: .zero)
        #expect(statistics.extendedHighest == 131_076)
        let block = try report(&statistics, now: .zero)
        #expect(block.extendedHighest == 131_076)
        #expect(block.cumulativeLost == 0)
    }

    @Test("A.1: a jump is believed with its second packet, and the count begins anew")
    func jump() throws {
        var statistics = ReceiverStatistics()
        for number in 0..<10 as Range<UInt16> where number != 5 {
            statistics.received(header(number, 0), clockRate: 8000, now: .zero)
        }
        #expect(statistics.received(header(20_000, 0), clockRate: 8000, now: .zero) == .jumped)
        #expect(statistics.received(header(30_000, 0), clockRate: 8000, now: .zero) == .jumped)
        #expect(statistics.received(header(30_001, 0), clockRate: 8000, now: .zero) == .counted)
        let block = try report(&statistics, now: .zero)
        #expect(block.extendedHighest == 30_001)
        #expect(block.cumulativeLost == 0)
        #expect(statistics.lost == 1)
        #expect(statistics.packets == 10)
    }

    @Test("A.3: the fraction lost is that of the interval, in 1/256")
    func fractionLost() throws {
        var statistics = ReceiverStatistics()
        for number in 0..<100 as Range<UInt16> where number % 4 != 1 {
            statistics.received(header(number, 0), clockRate: 8000, now: .zero)
        }
        let first = try report(&statistics, now: .zero)
        #expect(first.fractionLost == 64)
        #expect(first.cumulativeLost == 25)
        for number in 100..<200 as Range<UInt16> {
            statistics.received(header(number, 0), clockRate: 8000, now: .zero)
        }
        let second = try report(&statistics, now: .zero)
        #expect(second.fractionLost == 0)
        #expect(second.cumulativeLost == 25)
    }

    @Test("A.3: duplicates make the loss negative and the fraction zero")
    func duplicates() throws {
        var statistics = ReceiverStatistics()
        for number in 0..<10 as Range<UInt16> {
            statistics.received(header(number, 0), clockRate: 8000, now: .zero)
            statistics.received(header(number, 0), clockRate: 8000, now: .zero)
        }
        let block = try report(&statistics, now: .zero)
        #expect(block.cumulativeLost == -10)
        #expect(block.fractionLost == 0)
    }

    @Test("A.8: jitter follows the integer formula, across the timestamp's wrap")
    func jitter() throws {
        var statistics = ReceiverStatistics()
        var expected: Int64 = 0
        var lastTransit: Int64?
        var generator = SeededGenerator(seed: 8)
        for index in 0..<2000 as Range<Int64> {
            let late = Int64.random(in: 0...15, using: &generator)
            let arrival = (index * 20 + late) * 8
            statistics.received(
                header(UInt16(index), 0xffff_f000 &+ UInt32(160 * index)), clockRate: 8000,
                now: milliseconds(index * 20 + late))
            let transit = arrival - index * 160
            if let lastTransit {
                expected += abs(transit - lastTransit) - ((expected + 8) >> 4)
            }
            lastTransit = transit
        }
        #expect(expected >> 4 > 20)
        let block = try report(&statistics, now: .zero)
        #expect(block.jitter == UInt32(expected >> 4))
        #expect(statistics.jitter == .nanoseconds((expected >> 4) * 125_000))
    }

    @Test("A.8: a steady source has none, and a change of clock, source or event makes none")
    func noJitter() {
        var statistics = ReceiverStatistics()
        for index in 0..<50 as Range<Int64> {
            statistics.received(
                header(UInt16(index), UInt32(960 * index)), clockRate: 48_000, now: milliseconds(index * 20))
        }
        statistics.received(header(50, 960 * 45), clockRate: 48_000, isTimed: false, now: milliseconds(1000))
        for index in 51..<100 as Range<Int64> {
            statistics.received(
                header(UInt16(index), 0x7654_3210 + UInt32(160 * index)), clockRate: 8000,
                now: milliseconds(index * 20))
        }
        for index in 0..<50 as Range<Int64> {
            statistics.received(
                header(UInt16(index), UInt32(160 * index), ssrc: 7), clockRate: 8000,
                now: milliseconds(2000 + index * 20))
        }
        #expect(statistics.jitter == .zero)
        #expect(statistics.packets == 150)
        #expect(statistics.lost == 0)
        #expect(statistics.ssrc == 7)
    }

    @Test("the last sender report and its age come back in the block")
    func lastSenderReport() throws {
        var statistics = ReceiverStatistics()
        statistics.received(header(1, 0), clockRate: 8000, now: .zero)
        statistics.receivedSenderReport(ssrc: 99, ntp: NTPTime(bits: 1 << 40), now: .zero)
        let early = try report(&statistics, now: milliseconds(500))
        #expect(early.lastSenderReport == 0)
        statistics.receivedSenderReport(
            ssrc: 1, ntp: NTPTime(bits: 0x1122_3344_5566_7788), now: milliseconds(1000))
        let block = try report(&statistics, now: milliseconds(3500))
        #expect(block.lastSenderReport == 0x3344_5566)
        #expect(block.delaySinceLastSenderReport == 65536 * 5 / 2)
    }
}

@Suite("RFC 3550 §6.4.1 what a sender reports, and the round trip")
struct SenderStatisticsTests {
    @Test("a report is due after sound was sent, and its timestamp is that of the moment")
    func senderReport() throws {
        var statistics = SenderStatistics(ssrc: 5)
        let early = statistics.makeReport(ntp: NTPTime(bits: 1), now: .zero)
        #expect(early == nil)
        statistics.sent(timestamp: 0xffff_ff80, payloadBytes: 160, clockRate: 8000, now: milliseconds(100))
        statistics.sent(
            timestamp: 0xffff_0000, payloadBytes: 4, clockRate: 8000, isTimed: false, now: milliseconds(110))
        let due = statistics.makeReport(ntp: NTPTime(bits: 7), now: milliseconds(120))
        let report = try #require(due)
        #expect(report == SenderInformation(ntp: NTPTime(bits: 7), timestamp: 32, packets: 2, bytes: 164))
        let again = statistics.makeReport(ntp: NTPTime(bits: 8), now: milliseconds(130))
        #expect(again == nil)
    }

    @Test("the round trip of RFC 3550's figure 2")
    func roundTrip() {
        var block = ReportBlock(
            ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighest: 0, jitter: 0,
            lastSenderReport: 0xb705_2000, delaySinceLastSenderReport: 0x0005_4000)
        let arrival = NTPTime(bits: UInt64(0xb710_8000) << 16)
        #expect(block.roundTrip(arrival: arrival) == .milliseconds(6125))
        block.delaySinceLastSenderReport = 0x000b_7000
        #expect(block.roundTrip(arrival: arrival) == .zero)
        block.delaySinceLastSenderReport = 0x0fff_ffff
        #expect(block.roundTrip(arrival: arrival) == nil)
        block.lastSenderReport = 0
        #expect(block.roundTrip(arrival: arrival) == nil)
    }
}
