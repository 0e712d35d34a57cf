import Wire

/// The form of what is sealed: fields one after another, each with its number and length.
/// ```
///    1           2               length
/// ┌────────┬────────────────┬──────────────┐
/// │ number │ length, big-e. │    value     │  …
/// └────────┴────────────────┴──────────────┘
/// ```
/// Numbers are big-endian. A reader passes over fields that it does not know. Field 0 is padding, always last: the length of a
/// sealed record tells only in steps of ``step`` how long its names and numbers are.
struct FieldWriter {
    /// Bytes.
    static let step = 64
    private(set) var bytes: [UInt8] = []

    /// Text longer than 4,096 bytes is cut; nothing on this box is that long.
    mutating func write(_ number: UInt8, _ text: String?) {
        guard let text else { return }
        write(number, Array(text.utf8.prefix(4096)))
    }

    /// - Parameter value: at most 65,535 bytes; what is longer is cut.
    mutating func write(_ number: UInt8, _ value: [UInt8]) {
        let value = value.prefix(Int(UInt16.max))
        bytes.append(number)
        bytes.append(UInt8(truncatingIfNeeded: value.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value.count))
        bytes += value
    }

    mutating func write(_ number: UInt8, _ value: Int64?) {
        guard let value else { return }
        write(number, (0..<8).map { UInt8(truncatingIfNeeded: value >> Int64(56 - $0 * 8)) })
    }

    mutating func write(_ number: UInt8, _ time: WallTime?) {
        write(number, time?.milliseconds)
    }

    /// Fills up to a multiple of ``step``.
    mutating func pad() {
        let over = (bytes.count + 3) % Self.step
        write(0, [UInt8](repeating: 0, count: over == 0 ? 0 : Self.step - over))
    }
}

/// The fields of one record; of a number that comes twice the last counts.
struct FieldReader {
    private let bytes: [UInt8]
    /// Where each field's value lies; number 0...63.
    private var places = [Range<Int>?](repeating: nil, count: 64)

    /// - Returns: nil when a field does not fit into the bytes.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        var position = 0
        while position < bytes.count {
            guard bytes.count - position >= 3 else { return nil }
            let number = Int(bytes[position])
            let length = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            position += 3
            guard bytes.count - position >= length else { return nil }
            if number < places.count { places[number] = position..<position + length }
            position += length
        }
    }

    func value(_ number: Int) -> ArraySlice<UInt8>? {
        guard places.indices.contains(number), let place = places[number] else { return nil }
        return bytes[place]
    }

    func text(_ number: Int) -> String? {
        value(number).map { String(decoding: $0, as: UTF8.self) }
    }

    func integer(_ number: Int) -> Int64? {
        guard let value = value(number), value.count == 8 else { return nil }
        return value.reduce(0) { $0 << 8 | Int64($1) }
    }

    /// - Returns: nil for times outside ``Period/years``: whoever has the public key can seal any number.
    func time(_ number: Int) -> WallTime? {
        integer(number).flatMap { Period.years.contains($0) ? WallTime(milliseconds: $0) : nil }
    }
}
