import Glibc
import ICE
import Wire

/// Test data that lies beside the repository, `../shared/corpora` from its root.
enum Corpus {
    /// - Returns: nil, said loudly, where the data is not there.
    static func read(_ path: String, file: StaticString = #filePath) -> [UInt8]? {
        let parts = "\(file)".split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        let name = parts.joined(separator: "/") + "/shared/corpora/" + path
        guard let handle = fopen(name, "rb") else {
            print("SKIPPED: no test data at \(name)")
            return nil
        }
        defer { fclose(handle) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, handle)
        return Array(bytes[..<count])
    }
}

/// Lends the bytes from an allocation of exactly their size, so that a read past the end is found.
func lend<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { exact.deallocate() }
    exact.copyBytes(from: bytes)
    return try body(UnsafeRawBufferPointer(exact))
}

/// What a browser does: writes a check (RFC 8445 §7.2).
struct Check {
    var username = "ourFragm:theirs"
    var password = "a password of a leg 22"
    var priority: UInt32 = 0x6e00_01ff
    var useCandidate = false
    var controlling = true
    var messageClass = STUNMessage.Class.request
    var method = STUNMessage.bindingMethod
    var integrity = true
    var transaction = STUNMessage.TransactionIdentifier(high: 0x0102_0304, low: 0x0506_0708_090a_0b0c)

    func bytes() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let length = try buffer.withUnsafeMutableBytes { buffer in
            var writer = try STUNWriter(buffer, messageClass, method: method, transaction: transaction)
            try writer.username(username)
            try writer.priority(priority)
            if controlling { try writer.controlling(7) } else { try writer.controlled(7) }
            if useCandidate { try writer.useCandidate() }
            return integrity
                ? try writer.finish(key: STUNKey(password: password)) : try writer.finishWithoutIntegrity()
        }
        return Array(buffer[..<length])
    }
}

/// The checksum of RFC 8489 §14.7, written a second time so that the room's own is checked by it.
func fingerprint(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var value: UInt32 = 0xffff_ffff
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xedb8_8320 : value >> 1 }
    }
    return ~value ^ 0x5354_554e
}
