import Foundation
import SIPMessage
import Testing
import Wire

/// What packaging/fuzz begins with, and every input that it ever found to be wrong: each is read in every run of the tests,
/// also where no fuzzer is built.
enum FuzzSeeds {
    static func of(_ target: String) -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzz")
        return ["corpus", "regressions"].flatMap { kind -> [(name: String, bytes: [UInt8])] in
            let place = folder.appending(path: kind).appending(path: target)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
            return names.sorted().compactMap { name in
                (try? Data(contentsOf: place.appending(path: name))).map { ("\(kind)/\(name)", [UInt8]($0)) }
            }
        }
    }
}

@Suite("The fuzzer's seeds and findings")
struct FuzzSeedsTests {
    @Test("A message that can be read is written so that it reads the same")
    func messages() throws {
        let seeds = FuzzSeeds.of("message")
        #expect(seeds.count >= 12)
        var readable = 0
        for (name, bytes) in seeds {
            guard let message = try? SIPMessage.parse(bytes) else { continue }
            readable += 1
            #expect((try? SIPMessage.parse(message.serialized())) == message, "\(name)")
        }
        // Seeds that nobody can read would lead the fuzzer nowhere.
        #expect(readable * 4 >= seeds.count * 3, "\(readable) of \(seeds.count)")
    }

    @Test("A stream has the same frames however it is cut", arguments: [1, 2, 7, 1_000])
    func streams(step: Int) {
        let seeds = FuzzSeeds.of("stream")
        #expect(seeds.count >= 3)
        for (name, bytes) in seeds {
            let stream = Array(bytes.dropFirst())
            #expect(Self.frames(stream, step: step) == Self.frames(stream, step: max(1, stream.count)), "\(name)")
        }
    }

    private static func frames(_ stream: [UInt8], step: Int) -> [String] {
        var framer = StreamFramer()
        var found: [String] = []
        var rest = stream[...]
        while !rest.isEmpty {
            framer.append(rest.prefix(step))
            rest = rest.dropFirst(step)
            do throws(StreamFramer.Failure) {
                while let element = try framer.next() { found.append("\(element)") }
            } catch {
                return found + ["\(error)"]
            }
        }
        return found
    }

    @Test("URIs, addresses and challenges too")
    func fields() {
        let seeds = FuzzSeeds.of("uri")
        #expect(seeds.count >= 4)
        for (name, bytes) in seeds {
            let text = String(decoding: bytes, as: UTF8.self)
            if let uri = try? URI(text) { #expect((try? URI(uri.text)) == uri, "\(name)") }
            if let address = try? NameAddress(text) { #expect((try? NameAddress(address.text)) == address, "\(name)") }
        }
        let challenges = FuzzSeeds.of("challenge")
        #expect(challenges.count >= 3)
        for (name, bytes) in challenges {
            guard let all = try? Challenge.list(String(decoding: bytes, as: UTF8.self)) else { continue }
            for challenge in all { #expect((try? Challenge.list(challenge.text)) == [challenge], "\(name)") }
        }
    }
}
