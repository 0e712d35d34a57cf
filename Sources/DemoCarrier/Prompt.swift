import ArgumentParser
import Audio
import Glibc
import Wire

/// Speech from a file, at the rate of the telephone.
struct Prompt: Sendable {
    /// 8 kHz, mono.
    let samples: [Int16]

    /// Two minutes; more would only be a mistake.
    private static let longestBytes = 120 * G711.sampleRate * 2 + 4096

    /// - Parameter path: a WAV file, 8 kHz, mono, 16 bits.
    /// - Throws: a usage error that says what is wrong with the file.
    @Sendable init(file path: String) throws {
        guard let file = fopen(path, "re") else {
            throw ValidationError("The file \(path) cannot be read: \(Self.systemMessage(errno)).")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.longestBytes)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else {
            throw ValidationError("The file \(path) cannot be read: \(Self.systemMessage(errno)).")
        }
        guard count < bytes.count else { throw ValidationError("The file \(path) is longer than two minutes.") }
        let samples = bytes[..<count].withUnsafeBytes { try? Self.samples(wav: $0) }
        guard let samples, !samples.isEmpty else {
            throw ValidationError("The file \(path) is not a WAV file with 8 kHz, mono, 16 bits.")
        }
        self.samples = samples
    }

    private enum Unsuitable: Error {
        case notWAV
        case otherFormat
    }

    /// ```
    ///     | "RIFF" | size | "WAVE" | then chunks: | name (4) | size (4) | data, padded to an even length |
    ///     "fmt " data: | format 1 | channels | rate (4) | bytes/s (4) | bytes/frame | bits |
    /// ```
    /// Numbers are little-endian, of two bytes where not said otherwise.
    private static func samples(wav bytes: UnsafeRawBufferPointer) throws -> [Int16] {
        var reader = ByteReader(bytes)
        guard try reader.readUInt32() == code("RIFF") else { throw Unsuitable.notWAV }
        try reader.skip(4)
        guard try reader.readUInt32() == code("WAVE") else { throw Unsuitable.notWAV }
        var isSuitable = false
        while true {
            let name = try reader.readUInt32()
            let size = Int(try reader.readUInt32().byteSwapped)
            if name == code("fmt ") {
                let data = try reader.readBytes(size)
                var format = ByteReader(data)
                let (kind, channels) = (try format.readUInt16().byteSwapped, try format.readUInt16().byteSwapped)
                let rate = try format.readUInt32().byteSwapped
                try format.skip(6)
                let bits = try format.readUInt16().byteSwapped
                isSuitable = kind == 1 && channels == 1 && rate == UInt32(G711.sampleRate) && bits == 16
            } else if name == code("data") {
                guard isSuitable else { throw Unsuitable.otherFormat }
                // A program that wrote into a pipe did not know the size and gave the largest.
                let data = try reader.readBytes(min(size, reader.remaining))
                return stride(from: 0, to: data.count - 1, by: 2).map {
                    Int16(littleEndian: data.loadUnaligned(fromByteOffset: $0, as: Int16.self))
                }
            } else {
                try reader.skip(size)
            }
            if size % 2 == 1 { try reader.skip(1) }
        }
    }

    private static func code(_ name: StaticString) -> UInt32 {
        name.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    private static func systemMessage(_ errnoCode: CInt) -> String {
        strerror(errnoCode).map { String(cString: $0) } ?? "error \(errnoCode)"
    }
}
