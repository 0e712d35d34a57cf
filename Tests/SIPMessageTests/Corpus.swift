import Foundation
import SIPMessage
import Testing

/// The torture messages of RFC 4475 and RFC 5118, with what is expected of each.
enum Corpus {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        /// `valid`, `invalid` or `semantic`
        let kind: String
        let expected: String
        let bytes: [UInt8]

        var testDescription: String { name }
    }

    static let rfc4475 = load("rfc4475", fileExtension: ".dat", kindColumn: 2, lineFeedOnly: false)
    /// Stored with LF alone, given CRLF here. Their Content-Length is not always that of the body as it is printed.
    static let rfc5118 = load("rfc5118", fileExtension: "", kindColumn: 2, lineFeedOnly: true)

    static var all: [Vector] { rfc4475 + rfc5118 }

    static func vector(_ name: String) -> Vector? {
        all.first { $0.name == name }
    }

    private static func load(
        _ folder: String, fileExtension: String, kindColumn: Int, lineFeedOnly: Bool
    ) -> [Vector] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let directory = root.appending(path: "shared/corpora/sip/\(folder)")
        guard let table = try? String(contentsOf: directory.appending(path: "EXPECT.csv"), encoding: .utf8) else {
            print("!!! SKIPPED: no corpus at \(directory.path)")
            return []
        }
        return table.split(separator: "\n").dropFirst().compactMap { row in
            let columns = row.split(separator: ",", omittingEmptySubsequences: false)
            guard columns.count > kindColumn + 1, let name = columns.first,
                let data = try? Data(contentsOf: directory.appending(path: "\(name)\(fileExtension)"))
            else {
                print("!!! NO VECTOR for the row: \(row)")
                return nil
            }
            var bytes = [UInt8](data)
            if lineFeedOnly { bytes = bytes.flatMap { $0 == 0x0a ? [0x0d, 0x0a] : [$0] } }
            return Vector(
                name: String(name), kind: String(columns[kindColumn]), expected: String(columns.last ?? ""),
                bytes: bytes)
        }
    }
}
