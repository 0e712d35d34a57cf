import Foundation
import SIP
import SIPMessage
import Testing
import Wire

@Suite("Messages that mean harm")
struct HostileMessageTests {
    /// Every message of the torture collections.
    private static func corpus() throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        for name in ["rfc4475", "rfc5118"] {
            guard let folder = Corpus.folder("sip/\(name)") else { continue }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            for file in files where !file.hasSuffix(".csv") {
                var isFolder: ObjCBool = false
                let path = folder.appendingPathComponent(file).path
                guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                    continue
                }
                found.append([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
            }
        }
        return found
    }

    private func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(contentsOf: Array(" \t;=\"<>,:@%\r\n".utf8).shuffled(using: &random).prefix(2), at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + 20))
            case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 60)], at: at)
            default: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: at)
            }
        }
        return bytes
    }

    /// Two agents in a call with one another, whose own messages serve as raw material too.
    private func material(asksOwner: Bool = false) throws -> (ScriptedProvider, [[UInt8]]) {
        var provider = ScriptedProvider(asksOwner: asksOwner)
        var taken: [[UInt8]] = []
        func take() {
            taken += provider.sent.map { $0.message.serialized() }
            provider.sent = []
        }
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let register = try #require(provider.sent.first?.message.request)
        take()
        try provider.answer(register, 200)
        take()
        for number in 0..<4 {
            try provider.act {
                $0.invite(
                    LegIdentifier(number: UInt64(number)), to: Redacted("1"), offer: ScriptedProvider.offer, now: $1,
                    using: &$2)
            }
            let invite = try #require(provider.sent.last?.message.request)
            take()
            for status in [100, 183, 200, 407, 486].prefix(number + 1) {
                var response = SIPResponse(to: invite, status: status, toTag: "peer\(number)")
                response.setBody(ScriptedProvider.offer)
                response.headers.append(.proxyAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"n\"")
                response.headers.append(.recordRoute, "<sip:203.0.113.9:5070;lr>, <sip:edge.example.net>")
                response.headers.append(.require, "100rel")
                response.headers.append(.rSeq, "4294967295")
                taken.append(response.serialized())
                try provider.deliver(.response(response))
                take()
            }
        }
        for number in 0..<4 {
            let invite = try provider.request(
                .invite, branch: "m\(number)", body: ScriptedProvider.offer, callID: "material\(number)")
            taken.append(invite.serialized())
            try provider.deliver(.request(invite))
            let leg = LegIdentifier(number: 1 << 32 + UInt64(number))
            if number > 0 { try provider.act { $0.accept(leg, answer: ScriptedProvider.offer, now: $1, using: &$2) } }
            let tag = provider.sent.last?.message.headers.to?.tag
            take()
            for method in [SIPMethod.ack, .invite, .update, .bye, .cancel, .info, .prack, .refer, .notify] {
                let request = try provider.request(
                    method, branch: "m\(number)\(method)", sequence: 2, toTag: tag, body: ScriptedProvider.offer,
                    callID: "material\(number)"
                ) { request in
                    request.headers.append(.rAck, "1 1 INVITE")
                    request.headers.append(.event, "refer")
                    request.headers.append(.subscriptionState, "active")
                    request.headers.append(.referTo, "<sip:1@h?Replaces=material0%3Bto-tag%3Da%3Bfrom-tag%3Db>")
                    request.headers.append(.sessionExpires, "90;refresher=uac")
                    request.headers.append(.supported, "100rel, timer")
                }
                taken.append(request.serialized())
            }
        }
        return (provider, taken)
    }

    @Test(
        "Mutated torture messages and mutated messages of its own calls never trap it, nor fill it",
        arguments: [1, 2, 3])
    func mutations(seed: UInt64) throws {
        let torture = try Self.corpus()
        guard !torture.isEmpty else { return }
        var random = SeededGenerator(seed: seed)
        var (provider, own) = try material(asksOwner: seed != 1)
        var understood = 0
        var answered = 0
        for round in 0..<6_000 {
            let source = Bool.random(using: &random) ? ScriptedProvider.target : ScriptedProvider.stranger
            let seedling = (round % 3 == 0 ? torture : own).randomElement(using: &random) ?? []
            guard let message = try? SIPMessage.parse(mutated(seedling, &random)) else { continue }
            understood += 1
            try provider.act { $0.received(message, from: source, now: $1, using: &$2) }
            answered += provider.sent.count
            for event in provider.takeEvents() {
                switch event {
                case .offered(let leg, _):
                    try provider.act { $0.answer(leg, body: ScriptedProvider.offer, now: $1, using: &$2) }
                    try provider.act { $0.renegotiate(leg, offer: ScriptedProvider.offer, now: $1, using: &$2) }
                case .transferRequested(let leg, _):
                    try provider.act { $0.acceptTransfer(leg, now: $1, using: &$2) }
                    try provider.act { $0.transfer(leg, to: Redacted("1"), now: $1, using: &$2) }
                default: break
                }
                guard case .incoming(let leg, from: _, displayName: _, to: _, offer: _) = event else { continue }
                if Bool.random(using: &random) {
                    try provider.act { $0.accept(leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
                } else {
                    try provider.act { $0.ring(leg, now: $1, using: &$2) }
                }
            }
            provider.sent = []
            if round % 10 == 0 { try provider.wait(.milliseconds(Int64.random(in: 0...700, using: &random))) }
            provider.sent = []
            #expect(provider.agent.counts.transactions <= 2_100)
        }
        #expect(understood > 1_000)
        #expect(answered > 500)
        // It still works: the next call rings and ends.
        provider.events = []
        let invite = try provider.request(.invite, branch: "after", body: ScriptedProvider.offer, callID: "after")
        try provider.deliver(.request(invite))
        #expect(provider.events.count == 1)
        try provider.deliver(.request(try provider.request(.cancel, branch: "after", callID: "after")))
        #expect(provider.events.count == 2)
    }

    @Test("Random bytes in a session description do not trap the renewal of an answer")
    func sessions() throws {
        var random = SeededGenerator(seed: 9)
        var (provider, _) = try material()
        let leg = LegIdentifier(number: 1 << 32)
        try provider.act { $0.accept(leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        let tag = try #require(provider.sent.last?.message.headers.to?.tag)
        try provider.deliver(.request(try provider.request(.ack, branch: "a", toTag: tag, callID: "material0")))
        var answers: Set<Int> = []
        for round in 0..<2_000 {
            provider.sent = []
            let body = mutated(ScriptedProvider.offer, &random)
            let update = try provider.request(
                .update, branch: "u\(round)", sequence: UInt32(round) + 2, toTag: tag, body: body, callID: "material0")
            try provider.deliver(.request(update))
            answers.insert(try #require(provider.sent.last?.message.response?.status))
            if round % 100 == 0 { try provider.wait(.seconds(33)) }
        }
        #expect(answers.isSubset(of: [200, 488]) && answers.count == 2)
    }
}
