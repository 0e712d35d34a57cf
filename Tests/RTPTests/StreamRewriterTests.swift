import RTP
import Testing
import Wire

@Suite("One continuous outgoing stream")
struct StreamRewriterTests {
    private let start: UInt32 = 0xffff_ff00

    /// Starts near both wraps, so that every test crosses them.
    private func rewriter() -> StreamRewriter {
        StreamRewriter(ssrc: 0xcafe, firstSequenceNumber: 0xfffd, firstTimestamp: start)
    }

    private func pass(
        _ stream: inout StreamRewriter, _ packet: RTPHeader, source: UInt32 = 8000, rate: UInt32 = 8000,
        isEvent: Bool = false, at time: Int64
    ) -> (outcome: StreamRewriter.Outcome, header: RTPHeader) {
        var copy = packet
        let outcome = stream.rewrite(
            &copy, sourceClockRate: source, clockRate: rate, isEvent: isEvent, now: milliseconds(time))
        return (outcome, copy)
    }

    @Test("a steady source keeps its steps across the wrap of both counters")
    func steady() {
        var stream = rewriter()
        for index in 0..<70_000 {
            let packet = header(UInt16(truncatingIfNeeded: 65_000 + index), 0xffff_0000 &+ UInt32(160 * index))
            let (outcome, out) = pass(&stream, packet, at: Int64(index) * 20)
            guard outcome == (index == 0 ? .rebased : .continued), out.ssrc == 0xcafe,
                out.sequenceNumber == 0xfffd &+ UInt16(truncatingIfNeeded: index),
                out.timestamp == start &+ UInt32(160 * index), out.marker == (index == 0)
            else {
                Issue.record("packet \(index): \(outcome) \(out)")
                return
            }
        }
    }

    @Test("losses stay gaps, reordered packets keep their place, duplicates go")
    func lossAndReordering() {
        var stream = rewriter()
        func send(_ number: UInt16) -> (StreamRewriter.Outcome, UInt16, UInt32) {
            let packet = header(number, 5000 &+ UInt32(number &- 65530) * 160)
            let (outcome, out) = pass(&stream, packet, at: Int64(number &- 65530) * 20)
            return (outcome, out.sequenceNumber, out.timestamp)
        }
        #expect(send(65530) == (.rebased, 0xfffd, start))
        #expect(send(65533) == (.continued, 0, start &+ 480))
        #expect(send(65531) == (.late, 0xfffe, start &+ 160))
        #expect(send(65531).0 == .discarded)
        #expect(send(65533).0 == .discarded)
        #expect(send(4) == (.continued, 7, start &+ 1600))
        #expect(send(65535) == (.late, 2, start &+ 800))
    }

    @Test("late packets find their place after 40,000 packets too")
    func lateAfterLongTime() {
        var stream = rewriter()
        for index in 0..<40_000 {
            _ = pass(&stream, header(UInt16(truncatingIfNeeded: index), UInt32(160 * index)), at: Int64(index) * 20)
        }
        _ = pass(&stream, header(40_001, 160 * 40_001), at: 800_020)
        let late = pass(&stream, header(40_000, 160 * 40_000), at: 800_021)
        #expect(late.outcome == .late)
        #expect(late.header.sequenceNumber == 0xfffd &+ 40_000)
        #expect(late.header.timestamp == start &+ 160 * 40_000)
    }

    @Test("another SSRC goes on with the next number and one packet later")
    func sourceChange() {
        var stream = rewriter()
        _ = pass(&stream, header(100, 1000), at: 0)
        _ = pass(&stream, header(101, 1160), at: 20)
        let next = pass(&stream, header(40_000, 0x8000_0000, ssrc: 2), at: 43)
        #expect(next.outcome == .rebased)
        #expect(next.header.marker)
        #expect(next.header.sequenceNumber == 0xffff)
        #expect(next.header.timestamp == start &+ 320)
        let after = pass(&stream, header(40_001, 0x8000_00a0, ssrc: 2), at: 60)
        #expect(after.outcome == .continued)
        #expect(after.header.sequenceNumber == 0)
        #expect(after.header.timestamp == start &+ 480)
    }

    @Test("after silence another SSRC goes on by the time that passed")
    func sourceChangeAfterSilence() {
        var stream = rewriter()
        _ = pass(&stream, header(100, 1000), at: 0)
        _ = pass(&stream, header(101, 1160), at: 20)
        let next = pass(&stream, header(7, 7, ssrc: 2), at: 5020)
        #expect(next.header.sequenceNumber == 0xffff)
        #expect(next.header.timestamp == start &+ 160 &+ 40_000)
    }

    @Test("48 kHz becomes 8 kHz without drift over three hours")
    func clockConversion() {
        var stream = rewriter()
        let packets = 3 * 3600 * 50
        var last = RTPHeader(payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0)
        for index in 0..<packets {
            let packet = header(UInt16(truncatingIfNeeded: index), 77 &+ UInt32(truncatingIfNeeded: 960 * index))
            last = pass(&stream, packet, source: 48_000, at: Int64(index) * 20).header
        }
        #expect(last.timestamp == start &+ UInt32(truncatingIfNeeded: 160 * (packets - 1)))
    }

    @Test(
        "a browser that switches from Opus to PCMU goes on by the clock of the outgoing stream",
        arguments: [Int64(20), 1, 41, 500])
    func codecSwitch(gap: Int64) {
        var stream = rewriter()
        for index in 0..<10 {
            _ = pass(
                &stream, header(UInt16(index), 1_000_000 &+ UInt32(960 * index)), source: 48_000, at: Int64(index) * 20)
        }
        let before = start &+ 160 * 9
        // The new codec's timestamps begin anywhere.
        let first = pass(&stream, header(10, 0x1234_5678), at: 180 + gap)
        #expect(first.outcome == .rebased)
        #expect(first.header.marker)
        #expect(first.header.sequenceNumber == 0xfffd &+ 10)
        // On the beat one packet's time; far from it the time that passed.
        #expect(first.header.timestamp == before &+ (gap < 100 ? 160 : UInt32(gap) * 8))
        let second = pass(&stream, header(11, 0x1234_5678 + 160), at: 200 + gap)
        #expect(second.outcome == .continued)
        #expect(second.header.timestamp == first.header.timestamp &+ 160)
        // An Opus packet from before the switch that comes now has no honest timestamp any more.
        #expect(pass(&stream, header(9, 0x1234_0000), source: 48_000, at: 201 + gap).outcome == .discarded)
    }

    @Test("the outgoing clock may change too, and time goes on in its ticks")
    func outgoingClockChange() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        _ = pass(&stream, header(2, 160), at: 20)
        let next = pass(&stream, header(3, 9, payloadType: 111), source: 48_000, rate: 48_000, at: 40)
        #expect(next.outcome == .rebased)
        #expect(next.header.timestamp == start &+ 160 &+ 960)
    }

    @Test("a jump of the timestamps alone is smoothed by the time that passed")
    func timestampJump() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        _ = pass(&stream, header(2, 160), at: 20)
        let ahead = pass(&stream, header(3, 0x4000_0000), at: 40)
        #expect(ahead.outcome == .rebased)
        #expect(ahead.header.timestamp == start &+ 320)
        let back = pass(&stream, header(4, 480), at: 60)
        #expect(back.outcome == .rebased)
        #expect(back.header.timestamp == start &+ 480)
    }

    @Test("silence suppression keeps its timestamps")
    func discontinuousTransmission() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        let next = pass(&stream, header(2, 8000 * 60, marker: true), at: 60_010)
        #expect(next.outcome == .continued)
        #expect(next.header.timestamp == start &+ 8000 * 60)
        #expect(next.header.marker)
    }

    @Test("a jump of the numbers needs a second packet to be believed")
    func sequenceJump() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        #expect(pass(&stream, header(30_000, 160), at: 20).outcome == .discarded)
        let normal = pass(&stream, header(2, 160), at: 20)
        #expect(normal.outcome == .continued)
        #expect(normal.header.sequenceNumber == 0xfffe)
        #expect(pass(&stream, header(30_000, 320), at: 40).outcome == .discarded)
        let restarted = pass(&stream, header(30_001, 480), at: 60)
        #expect(restarted.outcome == .rebased)
        #expect(restarted.header.sequenceNumber == 0xffff)
    }

    @Test("a closed gate leaves no gap that would count as loss")
    func pause() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        stream.pause()
        let next = pass(&stream, header(101, 16_000), at: 2000)
        #expect(next.outcome == .continued)
        #expect(next.header.sequenceNumber == 0xfffe)
        #expect(next.header.timestamp == start &+ 16_000)
        #expect(pass(&stream, header(103, 16_320), at: 2040).header.sequenceNumber == 0)
        #expect(pass(&stream, header(50, 7840), at: 2041).outcome == .discarded)
    }

    @Test("digits of the box's own go in between, and what the source sends moves up")
    func ownEvents() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        _ = pass(&stream, header(3, 320), at: 40)
        let first = stream.generateEvent(isFirst: true, clockRate: 8000, now: milliseconds(60))
        #expect(first.marker)
        #expect(first.sequenceNumber == 0)
        let second = stream.generateEvent(isFirst: false, clockRate: 8000, now: milliseconds(80))
        #expect(!second.marker)
        #expect(second.sequenceNumber == 1)
        #expect(second.timestamp == first.timestamp)
        let late = pass(&stream, header(2, 160), at: 81)
        #expect(late.outcome == .late)
        #expect(late.header.sequenceNumber == 0xfffe)
        let next = pass(&stream, header(4, 800), at: 100)
        #expect(next.outcome == .continued)
        #expect(next.header.sequenceNumber == 2)
        #expect(next.header.timestamp == start &+ 800)
        #expect(stream.highestSequenceNumber == 2)
    }

    @Test("a late packet takes the place it had before the second of two digits")
    func lateBetweenOwnEvents() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        _ = stream.generateEvent(isFirst: true, clockRate: 8000, now: milliseconds(10))
        #expect(pass(&stream, header(2, 160), at: 20).header.sequenceNumber == 0xffff)
        #expect(pass(&stream, header(4, 480), at: 60).header.sequenceNumber == 1)
        _ = stream.generateEvent(isFirst: true, clockRate: 8000, now: milliseconds(70))
        let late = pass(&stream, header(3, 320), at: 75)
        #expect(late.outcome == .late)
        #expect(late.header.sequenceNumber == 0)
        #expect(pass(&stream, header(5, 640), at: 80).header.sequenceNumber == 3)
    }

    @Test("after sound of the box's own the source goes on where that ended")
    func relayAfterOwnSound() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), at: 0)
        // The source's clock stands still while the box plays.
        for index in 1...50 as ClosedRange<Int64> {
            _ = stream.generate(samples: 160, clockRate: 8000, now: milliseconds(index * 20))
        }
        let next = pass(&stream, header(2, 160), at: 1020)
        #expect(next.outcome == .rebased)
        #expect(next.header.timestamp == start &+ 160 * 51)
        #expect(next.header.sequenceNumber == 0xfffd &+ 51)
    }

    @Test("sound of the box's own is steady, in bursts and after silence")
    func ownSound() {
        var stream = rewriter()
        let first = stream.generate(samples: 160, clockRate: 8000, now: milliseconds(0))
        #expect(first.sequenceNumber == 0xfffd)
        #expect(first.timestamp == start)
        #expect(first.marker)
        for (index, time) in [0, 0, 61, 61, 61].enumerated() {
            let stamp = stream.generate(samples: 160, clockRate: 8000, now: milliseconds(Int64(time)))
            #expect(!stamp.marker)
            #expect(stamp.timestamp == start &+ UInt32(160 * (index + 1)))
        }
        let later = stream.generate(samples: 160, clockRate: 8000, now: milliseconds(1061))
        #expect(later.marker)
        #expect(later.timestamp == start &+ 800 &+ 8000)
        let relayed = pass(&stream, header(9, 99), at: 1081)
        #expect(relayed.outcome == .rebased)
        #expect(relayed.header.timestamp == later.timestamp &+ 160)
        #expect(relayed.header.sequenceNumber == later.sequenceNumber &+ 1)
    }

    @Test("an event in the sound's clock keeps its one timestamp, and sound goes on after it")
    func relayedEvent() {
        var stream = rewriter()
        _ = pass(&stream, header(1, 0), source: 48_000, at: 0)
        for index in 0..<300 {
            let event = pass(
                &stream, header(UInt16(2 + index), 960, payloadType: 110), source: 48_000, isEvent: true,
                at: Int64(20 + index * 20))
            #expect(event.outcome == .continued)
            #expect(event.header.timestamp == start &+ 160)
        }
        // Six seconds later.
        let sound = pass(&stream, header(302, 960 * 301), source: 48_000, at: 6020)
        #expect(sound.outcome == .continued)
        #expect(sound.header.timestamp == start &+ 160 * 301)
    }

    @Test("an event in another clock than the sound's starts where the stream is and stays there")
    func foreignEvent() {
        var stream = rewriter()
        for index in 0..<5 {
            _ = pass(&stream, header(UInt16(index), UInt32(960 * index)), source: 48_000, at: Int64(index) * 20)
        }
        for index in 0..<5 {
            let event = pass(
                &stream, header(UInt16(5 + index), 123_456, payloadType: 101), isEvent: true,
                at: Int64(100 + index * 20))
            #expect(event.outcome == .continued)
            #expect(event.header.timestamp == start &+ 160 * 5)
        }
        let sound = pass(&stream, header(10, 960 * 10), source: 48_000, at: 200)
        #expect(sound.outcome == .continued)
        #expect(sound.header.timestamp == start &+ 160 * 10)
    }

    @Test("no outgoing number is given twice, whatever comes in", arguments: [UInt64(1), 2, 3, 4])
    func neverTwice(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var stream = StreamRewriter(ssrc: 9, using: &generator)
        var highest = Int(stream.highestSequenceNumber)
        var given: Set<Int> = []
        var number: UInt16 = 0
        var now: Int64 = 0
        func note(_ sequenceNumber: UInt16) {
            let ahead = sequenceNumber.distance(after: UInt16(truncatingIfNeeded: highest))
            let extended = highest + ahead
            highest = max(highest, extended)
            #expect(given.insert(extended).inserted)
        }
        for _ in 0..<60_000 {
            now += Int64.random(in: 0...40, using: &generator)
            switch Int.random(in: 0..<100, using: &generator) {
            case 0: stream.pause()
            case 1: note(stream.generate(samples: 160, clockRate: 8000, now: milliseconds(now)).sequenceNumber)
            case 2...4:
                note(
                    stream.generateEvent(
                        isFirst: .random(using: &generator), clockRate: 48_000, now: milliseconds(now)
                    ).sequenceNumber)
            case 5: number = .random(in: 0...(.max), using: &generator)
            default:
                number &+= UInt16(truncatingIfNeeded: Int.random(in: -5...8, using: &generator))
                var packet = header(
                    number, .random(in: 0...(.max), using: &generator),
                    ssrc: .random(in: 1...60, using: &generator) / 60)
                let outcome = stream.rewrite(
                    &packet, sourceClockRate: Bool.random(using: &generator) ? 8000 : 48_000, clockRate: 8000,
                    isEvent: Int.random(in: 0..<20, using: &generator) == 0, now: milliseconds(now))
                if outcome != .discarded { note(packet.sequenceNumber) }
            }
        }
        #expect(given.count > 10_000)
    }

    @Test("absurd clocks and times never trap")
    func absurd() {
        var generator = SeededGenerator(seed: 5)
        let rates: [UInt32] = [0, 1, 8000, 48_000, .max]
        var stream = rewriter()
        var statistics = ReceiverStatistics()
        var sender = SenderStatistics(ssrc: 1)
        for _ in 0..<50_000 {
            let time = MonotonicTime(nanoseconds: .random(in: .min...(.max), using: &generator))
            let rate = rates[Int.random(in: 0..<5, using: &generator)]
            let other = rates[Int.random(in: 0..<5, using: &generator)]
            var packet = header(
                .random(in: 0...(.max), using: &generator), .random(in: 0...(.max), using: &generator),
                ssrc: .random(in: 0...1, using: &generator))
            statistics.received(packet, clockRate: rate, now: time)
            _ = stream.rewrite(
                &packet, sourceClockRate: rate, clockRate: other, isEvent: .random(using: &generator), now: time)
            _ = stream.generate(samples: .max, clockRate: other, now: time)
            sender.sent(timestamp: packet.timestamp, payloadBytes: 160, clockRate: rate, now: time)
            _ = sender.makeReport(ntp: NTPTime(bits: .max), now: time)
            _ = statistics.makeReport(now: time)
            _ = statistics.jitter
        }
        #expect(stream.ssrc == 0xcafe)
    }
}
