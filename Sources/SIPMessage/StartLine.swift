/// `INVITE sip:bob@biloxi.com SIP/2.0` or `SIP/2.0 200 OK`, RFC 3261 §7.1 and §7.2.
enum StartLine: Equatable {
    case request(SIPMethod, URI)
    case response(status: Int, reason: String)

    /// - Parameter line: without its line end.
    init(_ line: ArraySlice<UInt8>) throws(SIPParseError) {
        let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2 else { throw SIPParseError(.badStartLine, at: line.startIndex) }
        if Self.startsWithSIP(parts[0]) {
            self = try Self.response(parts)
        } else {
            self = try Self.request(parts)
        }
    }

    private static func request(_ parts: [ArraySlice<UInt8>]) throws(SIPParseError) -> StartLine {
        guard let method = SIPMethod(rawValue: String(decoding: parts[0], as: UTF8.self)), parts.count == 3 else {
            throw SIPParseError(.badStartLine, at: parts[0].startIndex)
        }
        try checkVersion(parts[2])
        do throws(SIPParseError) {
            let uri = try URI(Array(parts[1])[...])
            // §19.1.1: headers may not stand in a Request-URI; obeying them would let a stranger route our request.
            guard uri.sip?.escapedHeaders == nil else { throw SIPParseError(.badRequestURI) }
            return .request(method, uri)
        } catch {
            throw SIPParseError(.badRequestURI, at: parts[1].startIndex + error.offset)
        }
    }

    private static func response(_ parts: [ArraySlice<UInt8>]) throws(SIPParseError) -> StartLine {
        try checkVersion(parts[0])
        guard parts[1].count == 3, let status = Grammar.decimal(parts[1]), (100...699).contains(status) else {
            throw SIPParseError(.badStatusCode, at: parts[1].startIndex)
        }
        let reason = parts.count == 3 ? String(decoding: parts[2], as: UTF8.self) : ""
        return .response(status: Int(status), reason: reason)
    }

    private static func startsWithSIP(_ part: ArraySlice<UInt8>) -> Bool {
        part.prefix(4).elementsEqual("SIP/".utf8) { Grammar.lowercased($0) == Grammar.lowercased($1) }
    }

    /// `SIP/2.0`, whatever the case of its letters.
    private static func checkVersion(_ part: ArraySlice<UInt8>) throws(SIPParseError) {
        guard startsWithSIP(part) else { throw SIPParseError(.badStartLine, at: part.startIndex) }
        let number = part.dropFirst(4)
        if number.elementsEqual("2.0".utf8) { return }
        let halves = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isVersion = halves.count == 2 && halves.allSatisfy { !$0.isEmpty && $0.allSatisfy(Grammar.isDigit) }
        throw SIPParseError(isVersion ? .unsupportedVersion : .badStartLine, at: part.startIndex)
    }

    /// The method of what looks like a request line, however wrong the rest of it is; nil for a response.
    static func method(of line: ArraySlice<UInt8>) -> SIPMethod? {
        guard !startsWithSIP(line), let blank = line.firstIndex(of: 0x20), line.lastRange(of: "SIP/") != nil else {
            return nil
        }
        return SIPMethod(rawValue: String(decoding: line[..<blank], as: UTF8.self))
    }
}

extension ArraySlice<UInt8> {
    /// Where the last occurrence of `text` begins; case counts.
    fileprivate func lastRange(of text: StaticString) -> Range<Int>? {
        let wanted = Array(text.description.utf8)
        guard count >= wanted.count else { return nil }
        for start in stride(from: endIndex - wanted.count, through: startIndex, by: -1)
        where self[start..<(start + wanted.count)].elementsEqual(wanted) {
            return start..<(start + wanted.count)
        }
        return nil
    }
}
