/// The hash of a DTLS certificate, by which signalling vouches for the media's keys (RFC 8122 §5).
package struct Fingerprint: Hashable, Sendable, Codable, CustomStringConvertible {
    /// `sha-256`, `sha-384` or `sha-512`; weaker hashes are refused.
    package let algorithm: String
    /// 32, 48 or 64
    package let bytes: [UInt8]

    /// - Returns: nil for an unknown hash or a wrong length.
    package init?(algorithm: String, bytes: [UInt8]) {
        let name = algorithm.lowercased()
        guard let length = Self.lengths[name], bytes.count == length else { return nil }
        self.algorithm = name
        self.bytes = bytes
    }

    /// - Parameter sdp: the value of `a=fingerprint`: `sha-256 9A:A1:11:…`, either case.
    package init?(sdp: String) {
        let parts = sdp.fields()
        guard parts.count == 2, parts[1].utf8.count <= 64 * 3 else { return nil }
        var bytes: [UInt8] = []
        for pair in parts[1].fields(separatedBy: ":") {
            guard pair.utf8.count == 2, pair.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
                let byte = UInt8(pair, radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        self.init(algorithm: String(parts[0]), bytes: bytes)
    }

    /// As `a=fingerprint` wants it: `sha-256 9A:A1:11:…`.
    package var description: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            if !text.isEmpty { text.append(UInt8(ascii: ":")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return "\(algorithm) \(String(decoding: text, as: UTF8.self))"
    }

    private static let lengths = ["sha-256": 32, "sha-384": 48, "sha-512": 64]
}
