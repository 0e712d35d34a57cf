import FoundationEssentials
import Glibc

/// Standard output for programs that read it: whole lines, each at once, and none is left out.
enum LineOutput {
    /// Waits for a slow reader.
    /// - Throws: ``ReaderGone``.
    static func write(_ line: String) throws(ReaderGone) {
        try write(bytes: Array(line.utf8) + [UInt8(ascii: "\n")])
    }

    /// Waits for a slow reader.
    /// - Throws: ``ReaderGone``.
    static func write(bytes: [UInt8]) throws(ReaderGone) {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var stream = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
                _ = poll(&stream, 1, 1000)
                continue
            }
            guard count > 0 else { throw ReaderGone() }
            bytes = bytes.dropFirst(count)
        }
    }

    /// One JSON object in one line, its keys in the order of the alphabet.
    static func write(json value: some Encodable) throws(ReaderGone) {
        try write(text(value, in: [.sortedKeys, .withoutEscapingSlashes]))
    }

    /// One JSON object for people and programs.
    static func write(pretty value: some Encodable) throws(ReaderGone) {
        try write(text(value, in: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]))
    }

    private static func text(_ value: some Encodable, in form: JSONEncoder.OutputFormatting) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = form
        // What the commands print are plain values, which always can be written.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// Whoever read the output has closed it: a reason to end, not to complain.
struct ReaderGone: Error {}
