import Foundation
import SIPMessage
import Testing
import Wire

@Suite("Hostile bytes neither trap nor hang")
struct MutationTests {
    private static let rounds =
        (ProcessInfo.processInfo.environment["SIPCALL_MUTATIONS"].flatMap { Int($0) } ?? 200_000) / 4

    /// One to eight changes: flipped bits, junk, cuts, doublings, pieces of another message.
    private static func mutated(_ bytes: [UInt8], with other: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        let sharp = Array(" \t\r\n:;,<>@\"\\%[]=?*/0\u{0}".utf8)
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...Int.random(in: 1...6, using: &random), using: &random) {
            guard !bytes.isEmpty else { return bytes }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let length = min(Int.random(in: 1...40, using: &random), bytes.count - at)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes[at] = sharp.randomElement(using: &random) ?? 0
            case 3: bytes.insert(sharp.randomElement(using: &random) ?? 0, at: at)
            case 4: bytes.removeSubrange(at..<(at + length))
            case 5: bytes.insert(contentsOf: bytes[at..<(at + length)], at: at)
            case 6: bytes.removeSubrange(at...)
            default:
                let from = Int.random(in: 0..<other.count, using: &random)
                bytes.insert(contentsOf: other[from..<min(from + 40, other.count)], at: at)
            }
        }
        return bytes
    }

    /// Asks a message for everything that it can be asked for.
    private static func readAll(_ headers: SIPHeaders) -> Int {
        var seen = 0
        seen += (try? headers.vias().count) ?? 0
        seen += (try? headers.routes().count) ?? 0
        seen += (try? headers.recordRoutes().count) ?? 0
        seen += (try? headers.wwwChallenges().map(\.text).count) ?? 0
        seen += (try? headers.proxyChallenges().map(\.qualityOfProtection).count) ?? 0
        seen += headers.authorization?.nonceCount == nil ? 0 : 1
        seen += headers.proxyAuthorization?.text.utf8.count ?? 0
        seen += headers.contact?.expires ?? 0 > 0 ? 1 : 0
        seen += headers.from?.uri.user?.utf8.count ?? 0
        seen += headers.to?.text.utf8.count ?? 0
        seen += headers.topVia?.responseTarget == nil ? 0 : 1
        seen += headers.maxForwards ?? 0
        seen += headers.expires == nil && headers.minExpires == nil && headers.retryAfter == nil ? 0 : 1
        seen += headers.contentType?.text.utf8.count ?? 0
        seen += headers.allow.count + headers.supported.count + headers.require.count + headers.reasons.count
        return seen
    }

    @Test("mutated torture messages, and whatever is read reads the same when written", arguments: 1...4)
    func mutations(seed: UInt64) throws {
        let vectors = Corpus.all.map(\.bytes)
        guard !vectors.isEmpty else { return }
        var random = SeededGenerator(seed: seed)
        let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 5060)
        var read = 0
        var refused = 0
        var depth = 0
        let start = ContinuousClock.now
        var slowest = Duration.zero
        for _ in 0..<Self.rounds {
            guard let seed = vectors.randomElement(using: &random), let other = vectors.randomElement(using: &random)
            else { return }
            let bytes = Self.mutated(seed, with: other, using: &random)
            slowest = max(
                slowest,
                processorTime {
                    do throws(SIPParseError) {
                        let message = try SIPMessage.parse(bytes)
                        read += 1
                        depth += Self.readAll(message.headers)
                        let written = message.serialized()
                        let again = try? SIPMessage.parse(written)
                        if again != message || again?.serialized() != written {
                            Issue.record(
                                "written differently: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                        }
                        if let request = message.request {
                            var noted = request
                            noted.note(source: source)
                            let response = SIPResponse(to: noted, status: 200, toTag: "x")
                            if (try? SIPMessage.parse(response.serialized())) == nil {
                                Issue.record(
                                    "unreadable answer: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                            }
                        }
                    } catch {
                        if let refusal = SIPResponse.refusal(of: bytes, because: error, from: source) {
                            refused += 1
                            depth += refusal.serialized().count
                        }
                    }
                })
        }
        let took = start.duration(to: .now)
        print("\(Self.rounds) mutations in \(took): \(read) read, \(refused) refused, slowest \(slowest), \(depth)")
        #expect(read > Self.rounds / 20)
        #expect(refused > Self.rounds / 20)
        #expect(slowest < .seconds(1))
    }

    @Test("random bytes")
    func noise() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect((try? SIPMessage.parse(bytes)) == nil)
        }
    }
}
