/// A ZIP archive as a stream: nothing has to be known beforehand, and nothing is kept but the names.
///
///     [header, bytes …, CRC-32 and size]  one for each file    [directory]
///
/// PKWARE APPNOTE 6.3.10, method 0 (stored) with data descriptors (general purpose bit 3); below 4 GiB, since without ZIP64.
struct ZipWriter {
    private struct Entry {
        var name: [UInt8]
        var offset: Int
        var size = 0
        var checksum: UInt32 = 0xffff_ffff
    }

    /// Stored, UTF-8 names (bit 11), sizes behind the bytes (bit 3), 1980-01-01: the files say in themselves when they were made.
    private static let common = le16(20) + le16(0x0808) + le16(0) + le16(0) + le16(0x21)

    private var entries: [Entry] = []
    private var offset = 0

    /// A directory of this archive could not hold it.
    var isTooLarge: Bool { offset > 0xffff_0000 }

    mutating func begin(_ name: String) -> [UInt8] {
        let entry = Entry(name: Array(name.utf8), offset: offset)
        entries.append(entry)
        let header =
            Self.le32(0x0403_4b50) + Self.common + Self.le32(0) + Self.le32(0) + Self.le32(0)
            + Self.le16(entry.name.count) + Self.le16(0) + entry.name
        offset += header.count
        return header
    }

    /// - Returns: the same bytes.
    mutating func add(_ bytes: [UInt8]) -> [UInt8] {
        guard var entry = entries.popLast() else { return [] }
        for byte in bytes {
            entry.checksum = Self.table[Int((entry.checksum ^ UInt32(byte)) & 0xff)] ^ entry.checksum >> 8
        }
        entry.size += bytes.count
        offset += bytes.count
        entries.append(entry)
        return bytes
    }

    mutating func end() -> [UInt8] {
        guard let entry = entries.last else { return [] }
        let descriptor =
            Self.le32(0x0807_4b50) + Self.le32(Int(~entry.checksum)) + Self.le32(entry.size) + Self.le32(entry.size)
        offset += descriptor.count
        return descriptor
    }

    func directory() -> [UInt8] {
        var directory: [UInt8] = []
        for entry in entries {
            directory += Self.le32(0x0201_4b50) + Self.le16(20) + Self.common + Self.le32(Int(~entry.checksum))
            directory += Self.le32(entry.size) + Self.le32(entry.size) + Self.le16(entry.name.count)
            directory += [UInt8](repeating: 0, count: 12) + Self.le32(entry.offset) + entry.name
        }
        return directory + Self.le32(0x0605_4b50) + Self.le32(0) + Self.le16(entries.count) + Self.le16(entries.count)
            + Self.le32(directory.count) + Self.le32(offset) + Self.le16(0)
    }

    private static func le16(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
    private static func le32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }

    /// CRC-32 (ISO 3309), byte by byte.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }
}
