import Crypto
import Foundation
import Testing
import Wire

@testable import Sealing

@Suite("The recovery key: words (BIP-39) and age identity (bech32)")
struct RecoveryKeyTests {
    @Test(
        "Words of the test vectors of BIP-39",
        arguments: [
            ("00", "abandon abandon abandon abandon abandon abandon", "art"),
            ("7f", "legal winner thank year wave sausage worth useful", "title"),
            ("80", "letter advice cage absurd amount doctor acoustic avoid", "bless"),
            ("ff", "zoo zoo zoo zoo zoo", "vote"),
        ])
    func vectors(byte: String, first: String, last: String) throws {
        let secret = bytes(String(repeating: byte, count: 32))
        let key = try RecoveryKey(secret: secret)
        let words = key.words.revealed
        #expect(words.count == 24 && words.joined(separator: " ").hasPrefix(first) && words.last == last)
        let read = try RecoveryKey(Redacted(words.joined(separator: " ")))
        #expect(read.ageIdentity == key.ageIdentity)
    }

    @Test("The word list is BIP-39's: 2,048 words, in order, told apart by four letters")
    func list() {
        let words = RecoveryWordList.words
        #expect(words.count == 2048 && words.sorted() == words)
        #expect(Set(words.map { $0.prefix(4) }).count == 2048)
        let file = words.map { $0 + "\n" }.joined()
        #expect(
            hexadecimal(SHA256.hash(data: Data(file.utf8)))
                == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    }

    @Test("Typed in capitals, with line ends, or four letters a word: the same key")
    func typing() throws {
        let key = RecoveryKey()
        let words = key.words.revealed
        let shapes = [
            words.joined(separator: "\n").uppercased(),
            "  " + words.map { String($0.prefix(4)) }.joined(separator: "  "),
            key.ageIdentity.revealed + "\n", key.ageIdentity.revealed.lowercased(),
        ]
        for shape in shapes {
            #expect(try RecoveryKey(Redacted(shape)).ageIdentity == key.ageIdentity)
        }
    }

    @Test("A wrong word, a missing word, two swapped, a sign altered: refused, or found at 255 in 256")
    func mistakes() throws {
        let key = RecoveryKey()
        let words = key.words.revealed
        func isRefused(_ text: String) -> Bool { (try? RecoveryKey(Redacted(text))) == nil }
        #expect(isRefused("") && isRefused(words.dropLast().joined(separator: " ")))
        #expect(isRefused((words.dropLast() + ["sipcall"]).joined(separator: " ")))
        var accepted = 0
        for value in 0..<2048 {
            var altered = words
            altered[5] = String(RecoveryWordList.words[value])
            if altered != words, !isRefused(altered.joined(separator: " ")) { accepted += 1 }
        }
        #expect(accepted < 30, "eight bits of checksum let about 8 of 2,047 pass")
        let identity = Array(key.ageIdentity.revealed)
        for index in identity.indices {
            for sign in "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L-1" where sign != identity[index] {
                var altered = identity
                altered[index] = sign
                #expect(isRefused(String(altered)))
            }
        }
    }

    @Test(
        "Bech32 as in BIP-173: valid strings decode, invalid ones do not",
        arguments: [
            ("A12UEL5L", "a", true), ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", true),
            ("a12UEL5L", "a", false), ("A1G7SGD8", "a", false), ("10a06t8", "", false), ("1qzzfhee", "", false),
        ])
    func bech32(text: String, prefix: String, isValid: Bool) {
        #expect((Bech32.decode(text, prefix: prefix) != nil) == isValid)
    }

    @Test("What age encrypts to the recipient, age decrypts with the identity")
    func age() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/age") else {
            print("RecoveryKeyTests: /usr/bin/age is not installed; the identity was checked against BIP-173 only")
            return
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "age-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = RecoveryKey()
        let names = ["plain", "sealed", "opened", "identity"].map { folder.appending(path: $0).path }
        try Data("a backup".utf8).write(to: URL(filePath: names[0]))
        try Data((key.ageIdentity.revealed + "\n").utf8).write(to: URL(filePath: names[3]))
        #expect(try run(["-r", key.ageRecipient, "-o", names[1], names[0]]) == 0)
        #expect(try run(["-d", "-i", names[3], "-o", names[2], names[1]]) == 0)
        #expect(try String(contentsOfFile: names[2], encoding: .utf8) == "a backup")
        try Data((RecoveryKey().ageIdentity.revealed + "\n").utf8).write(to: URL(filePath: names[3]))
        #expect(try run(["-d", "-i", names[3], "-o", names[2] + "2", names[1]]) != 0)
    }

    private func run(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/age")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
