import Call
import Sealing
import Wire

/// What a record can be found by without reading every one: equal values, through keyed hashes.
///
/// The whole number, and its last seven digits for whoever leaves out country or area code. Seven digits tell apart almost as
/// many as the whole number, so the second hash tells a thief of the disk hardly more than the first. There is none for
/// prefixes: a handful of countries has a handful of hashes, and their frequencies would tell which is which.
enum Searchable {
    static let digitsAtEnd = 7

    typealias Term = (meaning: String, text: Redacted<String>)

    static func terms(of record: CallRecord) -> [Term] {
        var terms: [Term] = []
        for number in record.numbers {
            terms.append(("number", number))
            if let end = end(of: number.revealed) { terms.append(("end", Redacted(end))) }
        }
        if let user = record.user { terms.append(("user", Redacted(user.name))) }
        return terms
    }

    static func terms(of detail: CallDetail) -> [Term] {
        [("call", Redacted(detail.call.description))]
    }

    /// The last digits of a number; nil if it has fewer.
    static func end(of number: String) -> String? {
        let digits = number.filter { $0.isASCII && $0.isNumber }
        return digits.count < digitsAtEnd ? nil : String(digits.suffix(digitsAtEnd))
    }

    /// - Returns: the terms of what was sealed; nil if it cannot be read.
    static func terms(of bytes: Redacted<[UInt8]>, as header: RecordHeader) -> [Term]? {
        switch header.kind {
        case .call: (try? CallRecord(bytes, as: header)).map { terms(of: $0) }
        case .quality, .trace: (try? CallDetail(bytes, as: header)).map { terms(of: $0) }
        case .audit: []
        }
    }
}
