import Testing
import Wire

@testable import Sealing

@Suite("Master keys: file, wrapping, change")
struct MasterKeyTests {
    private static let purposes: [KeyPurpose] = [
        .period("2026-11", .call), .period("2026-11", .trace), .period("2026-12", .call), .box, .erasures,
    ]

    @Test("A keyring's file reads back; any sign altered, it is refused or means the same")
    func file() throws {
        let keyring = MasterKeyring().adding()
        let file = keyring.file.revealed
        #expect(try MasterKeyring(file: Redacted(file)) == keyring)
        let start = try #require(file.firstIndex(of: 0x0a)) + 1
        for index in start..<file.count {
            for bit in 0..<8 {
                var altered = file
                altered[index] ^= 1 << UInt8(bit)
                // A line end that became another sign of a line end is the same file.
                guard let read = try? MasterKeyring(file: Redacted(altered)) else { continue }
                #expect(read == keyring, "sign \(index), bit \(bit)")
            }
        }
        for text in ["", "\n\n", "# only a remark\n", "sipcall-master-1\n", "sipcall-master-2 00 00\n"] {
            #expect(throws: SealingProblem.masterKeyUnreadable) {
                try MasterKeyring(file: Redacted(Array(text.utf8)))
            }
        }
    }

    @Test("A wrapped key opens for its purpose only, and every bit of it counts")
    func wrapping() throws {
        let keyring = MasterKeyring()
        let secret = Redacted((0..<32).map { UInt8($0) })
        let wrapped = try keyring.wrap(secret, for: .period("2026-11", .call))
        #expect(wrapped.bytes.count == WrappedKey.count && wrapped.master == keyring.current)
        #expect(try keyring.unwrap(WrappedKey(wrapped.bytes), for: .period("2026-11", .call)) == secret)
        for purpose in [KeyPurpose.period("2026-12", .call), .period("2026-11", .audit), .box, .erasures] {
            #expect(throws: SealingProblem.keyUnreadable) { try keyring.unwrap(wrapped, for: purpose) }
        }
        #expect(throws: SealingProblem.masterKeyMissing) {
            try MasterKeyring().unwrap(wrapped, for: .period("2026-11", .call))
        }
        for bit in 0..<wrapped.bytes.count * 8 {
            var altered = wrapped.bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: Problem.self) {
                try keyring.unwrap(WrappedKey(altered), for: .period("2026-11", .call))
            }
        }
        #expect(throws: SealingProblem.keyUnreadable) { try keyring.wrap(Redacted([1, 2]), for: .box) }
    }

    /// What lies on a disk: the ring, and the wrapped keys.
    private struct Disk {
        var keyring: MasterKeyring
        var keys: [KeyPurpose: WrappedKey]

        mutating func take(_ step: MasterKeyRotation.Step) throws {
            switch step {
            case .store(let keyring):
                // Written and read again.
                self.keyring = try MasterKeyring(file: keyring.file)
            case .rewrap(let purpose):
                let secret = try keyring.unwrap(#require(keys[purpose]), for: purpose)
                keys[purpose] = try keyring.wrap(secret, for: purpose)
            case .done: break
            }
        }
    }

    @Test("Interrupted after any step, the change of the master key goes on; every key opens at every moment")
    func rotation() throws {
        let secrets = Dictionary(
            uniqueKeysWithValues: Self.purposes.enumerated().map {
                ($0.element, Redacted([UInt8](repeating: UInt8($0.offset), count: 32)))
            })
        let old = MasterKeyring()
        var disk = Disk(keyring: old, keys: try secrets.mapValues { try old.wrap($0, for: .box) })
        disk.keys = [:]
        for (purpose, secret) in secrets { disk.keys[purpose] = try old.wrap(secret, for: purpose) }
        #expect(try MasterKeyRotation.next(old, wrapped: disk.keys.mapValues(\.master)) == .done)

        var steps = 1
        try disk.take(MasterKeyRotation.begin(disk.keyring))
        #expect(disk.keyring.names.count == 2 && disk.keyring.current != old.current)
        // Begun twice, it goes on with the same key.
        #expect(MasterKeyRotation.begin(disk.keyring) == .store(disk.keyring))
        while true {
            // Nothing but what lies on the disk decides what comes next.
            let step = try MasterKeyRotation.next(disk.keyring, wrapped: disk.keys.mapValues(\.master))
            if step == .done { break }
            try disk.take(step)
            steps += 1
            for (purpose, secret) in secrets {
                #expect(try disk.keyring.unwrap(#require(disk.keys[purpose]), for: purpose) == secret)
            }
            try #require(steps < 20)
        }
        #expect(steps == 2 + Self.purposes.count && disk.keyring.names.count == 1)
        #expect(throws: SealingProblem.masterKeyMissing) {
            try old.unwrap(#require(disk.keys[.box]), for: .box)
        }
    }

    @Test("With a key in the place that nobody can open, no master key is thrown away")
    func stranger() throws {
        let keyring = MasterKeyring().adding()
        let strange = try MasterKeyring().wrap(Redacted([UInt8](repeating: 0, count: 32)), for: .box)
        #expect(throws: SealingProblem.masterKeyMissing) {
            try MasterKeyRotation.next(keyring, wrapped: [.box: strange.master])
        }
    }

    @Test("Printed, a keyring shows nothing")
    func printing() {
        let keyring = MasterKeyring()
        let secret = String(decoding: keyring.file.revealed.suffix(65).prefix(64), as: UTF8.self)
        #expect(!"\(keyring)".contains(secret) && !String(reflecting: keyring).contains(secret))
        var dumped = ""
        dump(keyring, to: &dumped)
        #expect(!dumped.contains(secret))
    }
}
