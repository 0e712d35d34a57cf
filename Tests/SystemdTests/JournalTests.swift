import Foundation
import Glibc
import Logging
import Testing
import Wire

@testable import Systemd

@Suite("systemd.io/JOURNAL_NATIVE_PROTOCOL the journal's entries")
struct JournalTests {
    /// A reader of the protocol, written from its description: strict, so that what it takes, journald takes.
    private static func fields(_ bytes: [UInt8]) throws -> [String: String] {
        var fields: [String: String] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = try #require(rest.firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\n") })
            let name = String(decoding: rest[..<end], as: UTF8.self)
            try #require(name.utf8.allSatisfy { "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".utf8.contains($0) })
            try #require((1...64).contains(name.utf8.count) && name.first?.isLetter == true)
            let isBinary = rest[end] == UInt8(ascii: "\n")
            rest = rest[(end + 1)...]
            let length: Int
            if isBinary {
                try #require(rest.count >= 8)
                length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(8)
            } else {
                length = try #require(rest.firstIndex(of: UInt8(ascii: "\n"))) - rest.startIndex
            }
            try #require(rest.count > length && rest[rest.startIndex + length] == UInt8(ascii: "\n"))
            try #require(fields[name] == nil, "a field occurs once")
            let value: String = try #require(String(validating: rest.prefix(length), as: UTF8.self))
            fields[name] = value
            rest = rest.dropFirst(length + 1)
        }
        return fields
    }

    private static func logger(_ receiver: DatagramReceiver) throws -> Logger {
        let journal = try #require(Journal(socket: receiver.path))
        return Logger(label: "core") { JournalLog(part: $0, level: .debug, journal: journal) }
    }

    @Test("A line is an entry with its fields, and with the catalog's identifier of its code")
    func entry() throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).info(
            "The call ended. The number is busy.",
            metadata: ["call": "0123456789abcdef0123456789abcdef", "code": "call.busy"])
        let fields = try Self.fields(receiver.next().bytes)
        #expect(
            fields == [
                "MESSAGE":
                    "The call ended. The number is busy. call=0123456789abcdef0123456789abcdef code=call.busy",
                "PRIORITY": "6",
                "SYSLOG_IDENTIFIER": "sipcall-core",
                "MESSAGE_ID": MessageIdentifiers.identifier(of: "call.busy"),
                "SIPCALL_CALL": "0123456789abcdef0123456789abcdef",
                "SIPCALL_CODE": "call.busy",
            ])
    }

    @Test("An ordinary event has the identifier of its kind, unless a code says more")
    func event() throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).info("It rings here.", metadata: ["event": "call.ringing"])
        let ringing = try Self.fields(receiver.next().bytes)
        #expect(ringing["MESSAGE_ID"] == MessageIdentifiers.identifier(of: "event.call.ringing"))
        #expect(ringing["MESSAGE_ID"] != nil && ringing["SIPCALL_EVENT"] == "call.ringing")
        #expect(ringing["MESSAGE"] == "It rings here.")
        try Self.logger(receiver).info("The call ended.", metadata: ["event": "call.ended", "code": "call.busy"])
        let ended = try Self.fields(receiver.next().bytes)
        #expect(ended["MESSAGE_ID"] == MessageIdentifiers.identifier(of: "call.busy"))
        #expect(ended["SIPCALL_EVENT"] == "call.ended")
    }

    @Test("A code that the catalog does not know has a field but no identifier")
    func unknownCode() throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).info("x", metadata: ["code": "no.such-code"])
        let fields = try Self.fields(receiver.next().bytes)
        #expect(fields["SIPCALL_CODE"] == "no.such-code")
        #expect(fields["MESSAGE_ID"] == nil)
    }

    @Test(
        "Levels are syslog's priorities",
        arguments: zip(
            [Logger.Level.debug, .info, .notice, .warning, .error, .critical], ["7", "6", "5", "4", "3", "2"]))
    func priorities(level: Logger.Level, priority: String) throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).log(level: level, "x")
        #expect(try Self.fields(receiver.next().bytes)["PRIORITY"] == priority)
    }

    @Test("The logger's own metadata is there, and the line's goes before it")
    func mergedMetadata() throws {
        let receiver = try DatagramReceiver()
        var logger = try Self.logger(receiver)
        logger[metadataKey: "trunk"] = "Telnyx"
        logger[metadataKey: "part"] = "switchboard"
        logger.info("x", metadata: ["part": "media loop"])
        let fields = try Self.fields(receiver.next().bytes)
        #expect(fields["SIPCALL_TRUNK"] == "Telnyx")
        #expect(fields["SIPCALL_PART"] == "media loop")
        #expect(fields["MESSAGE"] == "x part=media loop trunk=Telnyx")
    }

    @Test("Text from strangers can neither forge a field nor hide a line")
    func forgery() throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).warning(
            "bad\nPRIORITY=0\n\u{1b}[2J", metadata: ["why": "a\nMESSAGE_ID=0\u{0}", "9 x": "y", "ä=b": "z"])
        let fields = try Self.fields(receiver.next().bytes)
        #expect(fields["PRIORITY"] == "4")
        #expect(fields["MESSAGE_ID"] == nil)
        #expect(fields["MESSAGE"]?.hasPrefix("bad\nPRIORITY=0\n\u{fffd}[2J") == true)
        #expect(fields["SIPCALL_WHY"] == "a\nMESSAGE_ID=0\u{fffd}")
        #expect(fields["SIPCALL_9_X"] == "y")
    }

    @Test("Secrets stay secret")
    func redaction() throws {
        let receiver = try DatagramReceiver()
        try Self.logger(receiver).info("To \(Redacted("+4930123456")).", metadata: ["to": "\(Redacted("+4930123456"))"])
        #expect(!String(decoding: try receiver.next().bytes, as: UTF8.self).contains("4930"))
    }

    @Test("An entry is bounded, however much a line says, and cut between characters")
    func bounds() throws {
        let receiver = try DatagramReceiver()
        var metadata: Logger.Metadata = [:]
        for index in 0..<500 { metadata["key-\(index)"] = "\(String(repeating: "ü", count: 10_000))" }
        try Self.logger(receiver).info("\(String(repeating: "日", count: 100_000))", metadata: metadata)
        let bytes = try receiver.next().bytes
        #expect(bytes.count < 64 * 1024)
        let fields = try Self.fields(bytes)
        #expect(fields.count == JournalEntry.mostFields)
        #expect(fields["MESSAGE"] == String(repeating: "日", count: JournalEntry.longestMessage / 3))
    }

    @Test("A journal that does not read makes nobody wait; the next line that gets through counts the missing ones")
    func doesNotBlock() throws {
        let receiver = try DatagramReceiver()
        let journal = try #require(Journal(socket: receiver.path))
        let logger = Logger(label: "core") { JournalLog(part: $0, level: .info, journal: journal) }
        var written = 0
        while journal.lostLines < 7, written < 100_000 {
            logger.info("line")
            written += 1
        }
        #expect(journal.lostLines == 7)
        for _ in 0..<(written - 7) { _ = try receiver.next() }
        logger.info("after")
        #expect(try Self.fields(receiver.next().bytes)["SIPCALL_LOST_LINES"] == "7")
        logger.info("later")
        #expect(try Self.fields(receiver.next().bytes)["SIPCALL_LOST_LINES"] == nil)
    }

    @Test("Many threads log at once, and every entry is whole")
    func concurrency() throws {
        let receiver = try DatagramReceiver()
        let logger = try Self.logger(receiver)
        let count = 8
        DispatchQueue.concurrentPerform(iterations: count) { index in
            logger.info("line \(index)", metadata: ["part": "\(index)"])
        }
        let lines = try (0..<count).map { _ in try Self.fields(receiver.next().bytes)["SIPCALL_PART"] }
        #expect(Set(lines) == Set((0..<count).map { "\($0)" }))
    }

    @Test("Standard error is the journal's only when its device and inode are the announced ones")
    func stream() throws {
        var pipe: [CInt] = [0, 0]
        try #require(Glibc.pipe(&pipe) == 0)
        defer { pipe.forEach { close($0) } }
        var status = stat()
        try #require(fstat(pipe[1], &status) == 0)
        let (device, inode) = (status.st_dev, status.st_ino)
        #expect(Journal.isStream("\(device):\(inode)", descriptor: pipe[1]))
        for wrong in [
            "\(device):\(inode + 1)", "\(device + 1):\(inode)", "\(inode)", "", ":", "\(device):\(inode):", "-1:-1",
        ] {
            #expect(!Journal.isStream(wrong, descriptor: pipe[1]))
        }
        #expect(!Journal.isStream("\(device):\(inode)", descriptor: -1))
    }
}
