/// The few lines of a session description that change when the same answer is given once more (RFC 3264 §8).
///
/// This room knows no more of session descriptions: the origin's version goes up by one, a stream that the other
/// side holds is answered in kind, and streams that we never had are refused.
enum SessionRenewal {
    /// Our last description as a new offer.
    static func offer(last: [UInt8]) -> [UInt8] {
        write(lines(last).map(raiseVersion))
    }

    /// Our last description as the answer to a new offer.
    /// - Returns: nil if the offer has no audio stream that is open, or there is nothing to repeat: answer 488.
    static func answer(to offer: [UInt8], last: [UInt8]) -> [UInt8]? {
        let offered = lines(offer)
        let own = lines(last)
        guard let start = own.firstIndex(where: { $0.hasPrefix("m=audio ") }) else { return nil }
        let end = own[(start + 1)...].firstIndex { $0.hasPrefix("m=") } ?? own.count
        var result = own[..<start].filter { !isDirection($0) }.map(raiseVersion)
        var direction = offered.prefix { !$0.hasPrefix("m=") }.last(where: isDirection)
        var isAnswered = false
        var position = 0
        while let media = offered[position...].firstIndex(where: { $0.hasPrefix("m=") }) {
            let next = offered[(media + 1)...].firstIndex { $0.hasPrefix("m=") } ?? offered.count
            let words = offered[media].split(separator: " ")
            guard words.count >= 4 else { return nil }
            if !isAnswered, words[0] == "m=audio", words[1] != "0" {
                isAnswered = true
                direction = offered[media..<next].last(where: isDirection) ?? direction
                result += own[start..<end].filter { !isDirection($0) }
                result.append(mirrored(direction))
            } else {
                result.append("\(words[0]) 0 \(words[2]) \(words[3...].joined(separator: " "))")
            }
            position = next
        }
        return isAnswered ? write(result) : nil
    }

    private static func lines(_ body: [UInt8]) -> [String] {
        body.split { $0 == 0x0a || $0 == 0x0d }.prefix(512).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func write(_ lines: [String]) -> [UInt8] {
        Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }

    private static func isDirection(_ line: String) -> Bool {
        ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"].contains(line)
    }

    private static func mirrored(_ direction: String?) -> String {
        switch direction {
        case "a=sendonly": "a=recvonly"
        case "a=recvonly": "a=sendonly"
        case "a=inactive": "a=inactive"
        default: "a=sendrecv"
        }
    }

    /// `o=- 1 2 IN IP4 …`: the third word counts up (RFC 8866 §5.2).
    private static func raiseVersion(_ line: String) -> String {
        guard line.hasPrefix("o=") else { return line }
        var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 6, let version = UInt64(words[2]) else { return line }
        words[2] = String(version &+ 1)
        return words.joined(separator: " ")
    }
}
