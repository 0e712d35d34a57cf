import Foundation
import RTP
import Wire

/// Reads bytes that were recorded or written elsewhere, beside the package: `../shared/corpora/rtp/aiortc-bin`.
enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared/corpora/rtp/aiortc-bin")

    static var isPresent: Bool {
        let isThere = FileManager.default.fileExists(atPath: folder.path)
        if !isThere { print("SKIPPED: no corpus at \(folder.path); its tests prove nothing in this run") }
        return isThere
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name + ".bin")))
    }

    static func all() throws -> [[UInt8]] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
            .map { [UInt8](try Data(contentsOf: $0)) }
    }
}

func parseHeader(_ bytes: [UInt8]) throws(RTPError) -> RTPHeader {
    // The closure cannot throw a typed error through `withUnsafeBytes` of this toolchain's Array.
    let result: Result<RTPHeader, RTPError> = bytes.withUnsafeBytes { buffer in
        do throws(RTPError) { return .success(try RTPHeader(parsing: buffer)) } catch { return .failure(error) }
    }
    return try result.get()
}

/// A packet of the stream under test.
func header(
    _ sequenceNumber: UInt16, _ timestamp: UInt32, ssrc: UInt32 = 1, payloadType: UInt8 = 0, marker: Bool = false
) -> RTPHeader {
    RTPHeader(
        payloadType: payloadType, marker: marker, sequenceNumber: sequenceNumber, timestamp: timestamp, ssrc: ssrc)
}

func milliseconds(_ value: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: value * 1_000_000)
}

/// Changes 1...8 bytes, and sometimes the length, of one of the seeds.
func mutate(_ seeds: [[UInt8]], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
    for _ in 0..<Int.random(in: 1...8, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: 0..<min(bytes.count, 64), using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
    }
    switch UInt8.random(in: 0...5, using: &generator) {
    case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
    case 1: bytes.append(contentsOf: (0..<9).map { _ in UInt8.random(in: 0...255, using: &generator) })
    default: break
    }
    return bytes
}
