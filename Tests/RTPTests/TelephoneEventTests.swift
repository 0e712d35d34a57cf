import RTP
import Testing
import Wire

@Suite("RFC 4733 §2.3 telephone-event payload")
struct TelephoneEventTests {
    private func parse(_ bytes: [UInt8]) throws -> TelephoneEvent {
        try bytes.withUnsafeBytes { try TelephoneEvent(parsing: $0) }
    }

    @Test("a recorded one", .enabled(if: Corpus.isPresent))
    func recorded() throws {
        let bytes = try Corpus.bytes("rtp_dtmf")
        let header = try parseHeader(bytes)
        #expect(header.marker)
        #expect(header.payloadType == 101)
        let event = try parse(Array(bytes[header.payload]))
        #expect(event == TelephoneEvent(event: 1, isEnd: true, volume: 10, duration: 960))
        #expect(event.digit == "1")
    }

    @Test("written and read back, with volume and reserved bit kept in their fields")
    func roundTrip() throws {
        var bytes: [UInt8] = [0, 0, 0, 0]
        let event = TelephoneEvent(event: 11, isEnd: true, volume: 200, duration: 0xabcd)
        try bytes.withUnsafeMutableBytes { _ = try event.write(into: $0) }
        #expect(bytes == [11, 0xbf, 0xab, 0xcd])
        #expect(try parse(bytes) == TelephoneEvent(event: 11, isEnd: true, volume: 63, duration: 0xabcd))
        #expect(try parse([3, 0x40, 0, 1, 99, 99]) == TelephoneEvent(event: 3, isEnd: false, volume: 0, duration: 1))
        #expect(throws: TelephoneEventError.tooShort(count: 3)) { try parse([1, 2, 3]) }
        #expect(throws: WireError.noRoom(needed: 4, left: 3)) {
            var small: [UInt8] = [0, 0, 0]
            try small.withUnsafeMutableBytes { _ = try event.write(into: $0) }
        }
    }

    @Test("every key has its code")
    func digits() {
        for (code, digit) in "0123456789*#ABCD".enumerated() {
            #expect(TelephoneEvent.code(for: digit) == UInt8(code))
            #expect(TelephoneEvent(event: UInt8(code), isEnd: false, duration: 0).digit == digit)
        }
        #expect(TelephoneEvent.code(for: "d") == 15)
        #expect(TelephoneEvent.code(for: "E") == nil)
        #expect(TelephoneEvent.code(for: "٣") == nil)
        for code in 16...255 as ClosedRange<UInt8> {
            #expect(TelephoneEvent(event: code, isEnd: false, duration: 0).digit == nil)
        }
    }

    @Test("durations change their clock and never wrap")
    func conversion() {
        let event = TelephoneEvent(event: 1, isEnd: false, duration: 960)
        #expect(event.converted(from: 48_000, to: 8000).duration == 160)
        #expect(event.converted(from: 8000, to: 48_000).duration == 5760)
        let long = TelephoneEvent(event: 1, isEnd: false, duration: 20_000)
        #expect(long.converted(from: 8000, to: 48_000).duration == 65_535)
        #expect(long.converted(from: 0, to: 48_000).duration == 65_535)
        #expect(long.converted(from: 8000, to: 0).duration == 0)
    }
}

@Suite("RFC 4733 §2.5.2 one digit for each event")
struct TelephoneEventReceiverTests {
    private struct Sent {
        var event: TelephoneEvent
        var header: RTPHeader
        var at: Int64
    }

    /// A key held for 100 ms: five packets and two more ends.
    private func press(_ code: UInt8, number: UInt16, timestamp: UInt32, at: Int64) -> [Sent] {
        (0..<7).map { (index: Int) -> Sent in
            let duration = UInt16(160 * min(index + 1, 5))
            return Sent(
                event: TelephoneEvent(event: code, isEnd: index >= 4, duration: duration),
                header: header(number &+ UInt16(index), timestamp, payloadType: 101, marker: index == 0),
                at: at + Int64(index) * 20)
        }
    }

    private func digits(_ packets: [Sent], until end: Int64) -> [TelephoneEventReceiver.Digit] {
        var receiver = TelephoneEventReceiver()
        var digits: [TelephoneEventReceiver.Digit] = []
        for time in 0...end {
            if let digit = receiver.advance(to: milliseconds(time)) { digits.append(digit) }
            for packet in packets where packet.at == time {
                let outcome = receiver.received(
                    packet.event, header: packet.header, clockRate: 8000, now: milliseconds(time))
                digits += [outcome.interrupted, outcome.completed].compactMap { $0 }
            }
        }
        #expect(receiver.nextDeadline == nil)
        return digits
    }

    @Test("whichever packets of an event are lost, it is one digit", arguments: 1..<128)
    func losses(kept: Int) {
        let packets = press(5, number: 65_533, timestamp: 0xffff_ffff, at: 10)
        let left = packets.enumerated().filter { kept & (1 << $0.offset) != 0 }.map(\.element)
        let found = digits(left, until: 600)
        #expect(found.map(\.character) == ["5"])
        #expect(found.first?.duration == .milliseconds(left.map { Int($0.event.duration) / 8 }.max() ?? 0))
    }

    @Test("the same key three times, with losses in each, is three digits", arguments: 0..<7)
    func repeated(lost: Int) {
        var packets: [Sent] = []
        for index in 0..<3 {
            var one = press(
                1, number: UInt16(index * 7), timestamp: 0xffff_f000 &+ UInt32(index * 1600), at: Int64(index) * 200)
            if lost < 6 { one.removeLast(lost) } else { one.removeFirst(6) }
            packets += one
        }
        #expect(digits(packets, until: 1000).map(\.character) == ["1", "1", "1"])
    }

    @Test("an interrupted key and an end without a beginning come out at once, in order")
    func twoAtOnce() {
        var receiver = TelephoneEventReceiver()
        let first = TelephoneEvent(event: 1, isEnd: false, duration: 160)
        #expect(receiver.received(first, header: header(1, 100), clockRate: 8000, now: .zero) == .nothing)
        let second = TelephoneEvent(event: 2, isEnd: true, duration: 800)
        let outcome = receiver.received(second, header: header(9, 1700), clockRate: 8000, now: milliseconds(200))
        #expect(outcome.interrupted?.character == "1")
        #expect(outcome.completed?.character == "2")
    }

    @Test("packets that come late or twice add nothing")
    func stragglers() {
        let first = press(1, number: 0, timestamp: 1000, at: 0)
        var second = press(2, number: 7, timestamp: 2600, at: 200)
        for (index, packet) in first.enumerated() {
            var late = packet
            late.at = 201 + Int64(index) * 30
            second.append(late)
        }
        #expect(digits(first + second, until: 1000).map(\.character) == ["1", "2"])
    }

    @Test("a key held for 20 s is one digit though its duration field holds 8.19 s")
    func longEvent() {
        var packets: [Sent] = []
        for index in 0..<1000 {
            let ticks = 160 * (index + 1)
            let piece = (ticks - 1) / 0xffff
            packets.append(
                Sent(
                    event: TelephoneEvent(
                        event: 9, isEnd: index == 999, duration: UInt16(ticks - piece * 0xffff)),
                    header: header(UInt16(index), UInt32(5000 + piece * 0xffff), marker: index == 0),
                    at: Int64(index) * 20))
        }
        let found = digits(packets, until: 21_000)
        #expect(found.map(\.character) == ["9"])
        #expect(found.first?.duration == .seconds(20))
    }

    @Test("another source's event is another digit, and flash is none")
    func otherSources() {
        var receiver = TelephoneEventReceiver()
        let end = TelephoneEvent(event: 7, isEnd: true, duration: 800)
        func receive(_ event: TelephoneEvent, ssrc: UInt32) -> Character? {
            receiver.received(event, header: header(1, 100, ssrc: ssrc), clockRate: 8000, now: .zero).completed?
                .character
        }
        #expect(receive(end, ssrc: 1) == "7")
        #expect(receive(end, ssrc: 1) == nil)
        #expect(receive(end, ssrc: 2) == "7")
        #expect(receive(TelephoneEvent(event: 16, isEnd: true, duration: 800), ssrc: 3) == nil)
    }

    @Test("random events never trap")
    func random() {
        var generator = SeededGenerator(seed: 4733)
        var receiver = TelephoneEventReceiver()
        var found = 0
        for _ in 0..<50_000 {
            let time = MonotonicTime(nanoseconds: .random(in: .min...(.max), using: &generator))
            let outcome = receiver.received(
                TelephoneEvent(
                    event: .random(in: 0...20, using: &generator), isEnd: .random(using: &generator),
                    duration: .random(in: 0...(.max), using: &generator)),
                header: header(
                    0, .random(in: 0...(.max), using: &generator), ssrc: .random(in: 0...9, using: &generator) / 9),
                clockRate: .random(in: 0...1, using: &generator) * 8000, now: time)
            if outcome != .nothing { found += 1 }
            if receiver.advance(to: time) != nil { found += 1 }
        }
        #expect(found > 100)
    }
}

@Suite("RFC 4733 §2.5.1 sending digits")
struct TelephoneEventSenderTests {
    private struct Timed: Equatable {
        let at: Int64
        let packet: TelephoneEventSender.Packet
    }

    private func press(_ digits: some Sequence<Character>, on sender: inout TelephoneEventSender) -> [Bool] {
        digits.map { sender.enqueue($0) }
    }

    /// Runs on its own deadlines.
    private func run(_ sender: inout TelephoneEventSender, from start: Int64) -> [Timed] {
        var sent: [Timed] = []
        var now = start
        while let deadline = sender.nextDeadline {
            now = max(now, deadline.nanoseconds / 1_000_000)
            while let packet = sender.next(now: milliseconds(now)) { sent.append(Timed(at: now, packet: packet)) }
        }
        return sent
    }

    @Test("one key: a packet each 20 ms, the last one three times")
    func oneKey() {
        var sender = TelephoneEventSender(clockRate: 8000, hold: .milliseconds(100), pause: .milliseconds(80))
        #expect(sender.isIdle)
        #expect(press("#", on: &sender) == [true])
        #expect(!sender.isIdle)
        let sent = run(&sender, from: 1000)
        #expect(sent.map(\.at) == [1000, 1020, 1040, 1060, 1080, 1100, 1120])
        #expect(sent.map(\.packet.event.duration) == [160, 320, 480, 640, 800, 800, 800])
        #expect(sent.map(\.packet.event.isEnd) == [false, false, false, false, true, true, true])
        #expect(sent.map(\.packet.isFirst) == [true] + [Bool](repeating: false, count: 6))
        #expect(sent.map(\.packet.isLast) == [Bool](repeating: false, count: 6) + [true])
        #expect(sent.allSatisfy { $0.packet.event.event == 11 })
        #expect(sender.isIdle)
    }

    @Test("durations are in the event's own clock")
    func clockRate() {
        var sender = TelephoneEventSender(clockRate: 48_000, hold: .seconds(9))
        _ = sender.enqueue("1")
        let sent = run(&sender, from: 0)
        #expect(sent.first?.packet.event.duration == 960)
        #expect(sent.last?.packet.event.duration == 62_400)
    }

    @Test("the queue is bounded and takes keys only")
    func bounded() {
        var sender = TelephoneEventSender(clockRate: 8000)
        let full = String(repeating: "1", count: TelephoneEventSender.capacity)
        #expect(press("x" + full + "1", on: &sender) == [false] + full.map { _ in true } + [false])
        let packet = sender.next(now: .zero)
        #expect(packet?.event.digit == "1")
        #expect(press("22", on: &sender) == [true, false])
    }

    @Test("what it sends, the receiver takes for the same digits")
    func roundTrip() {
        var sender = TelephoneEventSender(clockRate: 8000)
        let digits = "0123456789*#ABCD11"
        #expect(!press(digits, on: &sender).contains(false))
        var receiver = TelephoneEventReceiver()
        var stream = StreamRewriter(ssrc: 3, firstSequenceNumber: 0xfff0, firstTimestamp: 0xffff_fff0)
        var heard = ""
        for timed in run(&sender, from: 0) {
            let now = milliseconds(timed.at)
            let stamp = stream.generateEvent(isFirst: timed.packet.isFirst, clockRate: 8000, now: now)
            let packet = header(stamp.sequenceNumber, stamp.timestamp, ssrc: 3, marker: stamp.marker)
            let outcome = receiver.received(timed.packet.event, header: packet, clockRate: 8000, now: now)
            #expect(outcome.interrupted == nil)
            if let digit = outcome.completed {
                heard.append(digit.character)
                #expect(digit.duration == .milliseconds(120))
            }
        }
        #expect(heard == digits)
    }
}
