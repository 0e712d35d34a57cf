import Testing
import Wire

@testable import Media

@Suite("RFC 7983 §7 demultiplexing by the first byte")
struct DemultiplexerTests {
    private func kind(_ bytes: [UInt8]) -> PacketKind? { bytes.withUnsafeBytes { PacketKind($0) } }

    @Test("Every first byte has one meaning")
    func firstBytes() {
        for byte in UInt8.min...UInt8.max {
            let expected: PacketKind? =
                switch byte {
                case 0...3: .stun
                case 20...63: .dtls
                case 128...191: .rtp
                default: nil
                }
            #expect(kind([byte, 0]) == expected)
        }
    }

    @Test("RFC 5761 §4: the second byte tells RTCP, markers and all", arguments: UInt8.min...UInt8.max)
    func secondBytes(byte: UInt8) {
        #expect(kind([0x80, byte]) == ((192...223).contains(byte) ? .rtcp : .rtp))
    }

    @Test("Less than two bytes are nothing")
    func short() {
        #expect(kind([]) == nil)
        #expect(kind([0x80]) == nil)
    }
}

@Suite("RFC 3550 §11 port pairs")
struct PortRangeTests {
    @Test(
        "A range holds only whole pairs that begin even",
        arguments: [
            (UInt16(20_000)...20_999, UInt32(500), UInt16(20_000)), (20_001...20_999, 499, 20_002),
            (20_000...20_000, 0, 20_000), (20_001...20_002, 0, 20_002), (65_534...65_535, 1, 65_534),
            (65_535...65_535, 0, 0),
        ])
    func pairs(range: ClosedRange<UInt16>, pairs: UInt32, first: UInt16) {
        let ports = PortRange(range)
        #expect(ports.pairs == pairs)
        #expect(ports.evenPort(0) == first)
        for index in 0..<min(pairs, 1_000) {
            #expect(ports.evenPort(index) % 2 == 0)
            #expect(range.contains(ports.evenPort(index)) && range.contains(ports.evenPort(index) + 1))
        }
    }
}
