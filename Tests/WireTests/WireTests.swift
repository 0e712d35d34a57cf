import Testing
import Wire

@Suite("Reading and writing bytes")
struct ByteTests {
    @Test("reads big-endian fields and refuses to run over the end")
    func reader() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6]
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        var reader = ByteReader(UnsafeRawBufferPointer(buffer))
        let first = try reader.readUInt8()
        let second = try reader.readUInt16()
        #expect(first == 1)
        #expect(second == 0x0203)
        #expect(throws: WireError.truncated(needed: 4, left: 3)) { try reader.readUInt32() }
        #expect(reader.position == 3)
        #expect(throws: WireError.truncated(needed: -1, left: 3)) { try reader.readBytes(-1) }
        let rest = try Array(reader.readBytes(3))
        #expect(rest == [4, 5, 6])
    }

    @Test("writes what the reader reads, and refuses a full buffer")
    func writer() throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 7, alignment: 1)
        defer { buffer.deallocate() }
        var writer = ByteWriter(buffer)
        try writer.write(UInt32(0xdead_beef))
        try writer.write(UInt16(0x0102))
        #expect(throws: WireError.noRoom(needed: 2, left: 1)) { try writer.write(UInt16(3)) }
        try writer.write(UInt8(9))
        #expect(Array(buffer) == [0xde, 0xad, 0xbe, 0xef, 1, 2, 9])
    }
}

@Suite("Serial numbers, RFC 1982")
struct SerialTests {
    @Test(
        "distance wraps", arguments: [(UInt16(0), UInt16(65_535), 1), (65_535, 0, -1), (5, 5, 0), (0x8000, 0, -32_768)])
    func distance(later: UInt16, earlier: UInt16, expected: Int) {
        #expect(later.distance(after: earlier) == expected)
    }
}

@Suite("Network addresses")
struct AddressTests {
    @Test(
        "text and kernel form agree",
        arguments: ["192.0.2.1:5060", "[2001:db8::1]:5061", "0.0.0.0:0", "[::]:65535", "[fe80::1]:1"])
    func roundTrip(text: String) throws {
        let address = try #require(NetworkAddress(hostAndPort: text))
        #expect(address.description == text)
        #expect(NetworkAddress(address.socketAddress().storage) == address)
        #expect(NetworkAddress(address.socketAddress(asIPv6: true).storage) == address)
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() {
        #expect(NetworkAddress("::ffff:192.0.2.1", port: 7) == NetworkAddress("192.0.2.1", port: 7))
    }

    @Test(
        "names and garbage are refused",
        arguments: ["example.org:1", "1.2.3:1", "::1:5060", "1.2.3.4", "1.2.3.4:66000", ""])
    func refused(text: String) {
        #expect(NetworkAddress(hostAndPort: text) == nil)
    }

    @Test(
        "private ranges",
        arguments: [
            ("10.1.2.3", true), ("172.31.0.1", true), ("172.32.0.1", false), ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false), ("127.0.0.1", true), ("169.254.1.1", true), ("8.8.8.8", false), ("fd00::1", true),
            ("fe80::1", true), ("::1", true), ("2001:db8::1", false),
        ])
    func privateRanges(text: String, expected: Bool) {
        #expect(NetworkAddress.Host(text)?.isPrivate == expected)
    }
}

@Suite("Redacted values")
struct RedactedTests {
    @Test("no way of printing shows the value")
    func printing() {
        struct Holder { let secret = Redacted("hunter2") }
        let texts = [
            "\(Redacted("hunter2"))", String(reflecting: Redacted("hunter2")), "\(Holder())",
            "\([Redacted("hunter2")])",
        ]
        for text in texts { #expect(!text.contains("hunter2")) }
        var dumped = ""
        dump(Holder(), to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}

@Suite("Time")
struct TimeTests {
    @Test("NTP time counts from 1900 (RFC 5905 §6)")
    func ntp() {
        let time = NTPTime(unixSeconds: 0, nanoseconds: 500_000_000)
        #expect(time.bits == UInt64(2_208_988_800) << 32 | 0x8000_0000)
        #expect(time.middle == UInt32(truncatingIfNeeded: (2_208_988_800 & 0xffff) << 16 | 0x8000))
    }

    @Test("huge durations saturate instead of trapping")
    func saturation() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.milliseconds(1500).milliseconds == 1500)
    }
}
