/// What may be fed to OpenSSL of a datagram that comes before the keys.
///
/// Before the keys nothing is authenticated, and OpenSSL ends a handshake for a single forged record: an alert,
/// application data, a length beyond all reason. So records are looked at first, and the datagram is cut before the
/// first one that no honest client sends.
/// ```
/// record (RFC 6347 §4.1)      type 1 | version 2 | epoch 2 | sequence 6 | length 2 | …
/// handshake (RFC 6347 §4.2.2) type 1 | length 3 | message_seq 2 | fragment_offset 3 | fragment_length 3 | …
/// ClientHello (RFC 5246)      version 2 | random 32 | …
/// ```
struct PlaintextScreen {
    /// How many bytes from the start are admissible records.
    private(set) var admissible = 0
    /// An alert that ends the connection (fatal, or close_notify) came in clear: its description.
    private(set) var alert: UInt8?
    /// The random of a ClientHello whose beginning is in the datagram.
    private(set) var clientRandom: ClientRandom?

    /// The longest handshake message that a client needs: its certificate chain, in bytes.
    private static let longestMessage = 16_384

    init(_ datagram: UnsafeRawBufferPointer) {
        var offset = 0
        while datagram.count - offset >= 13 {
            let record = UnsafeRawBufferPointer(rebasing: datagram[offset...])
            let length = Int(record[11]) << 8 | Int(record[12])
            guard record[1] == 0xfe, record.count - 13 >= length else { return }
            let body = UnsafeRawBufferPointer(rebasing: record[13..<13 + length])
            let isPlain = record[3] == 0 && record[4] == 0
            guard isPlain ? admitsPlain(type: record[0], body) : (20...23).contains(record[0]) else { return }
            offset += 13 + length
            admissible = offset
        }
    }

    private mutating func admitsPlain(type: UInt8, _ body: UnsafeRawBufferPointer) -> Bool {
        switch type {
        case 20:  // change_cipher_spec
            return body.count == 1 && body[0] == 1
        case 21:
            if body.count == 2, body[0] == 2 || body[1] == 0 {
                alert = body[1]
            }
            return false
        case 22:
            return admitsHandshake(body)
        default:
            return false
        }
    }

    /// A record may hold several messages or fragments of them, each with its own header.
    private mutating func admitsHandshake(_ body: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < body.count {
            guard body.count - offset >= 12 else { return false }
            let message = UnsafeRawBufferPointer(rebasing: body[offset...])
            let length = Self.three(message, at: 1)
            let fragmentOffset = Self.three(message, at: 6)
            let fragmentLength = Self.three(message, at: 9)
            guard length <= Self.longestMessage, fragmentOffset + fragmentLength <= length,
                message.count - 12 >= fragmentLength
            else { return false }
            switch message[0] {
            case 1:  // client_hello
                if fragmentOffset == 0, fragmentLength >= 34 {
                    clientRandom = ClientRandom(message, at: 14)
                }
            case 11, 15, 16:  // certificate, certificate_verify, client_key_exchange
                break
            default:
                return false
            }
            offset += 12 + fragmentLength
        }
        return offset > 0
    }

    private static func three(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        Int(bytes[offset]) << 16 | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
    }
}

/// The 32 random bytes by which one ClientHello differs from another, kept without allocation.
struct ClientRandom: Equatable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The caller has checked that 32 bytes are there.
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        words = (
            bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
        )
    }

    static func == (left: Self, right: Self) -> Bool { left.words == right.words }
}
