import Call
import Control
import Glibc
import Synchronization
import Testing
import Wire

@testable import Switchboard

/// By default a short one. A month of a busy office takes two minutes:
/// `SIPCALL_LONG_LIFE=50000 SIPCALL_LONG_LIFE_FIGURES=FILE swift test --filter LongLife`
@Suite("A long life leaves nothing behind")
struct LongLifeTests {
    /// What the kernel counts for this process.
    private struct Footprint: CustomStringConvertible {
        var descriptors = Self.entries(of: "/proc/self/fd")
        var threads = Self.entries(of: "/proc/self/task")
        var kilobytes = Self.resident()

        var description: String { "\(descriptors) descriptors, \(threads) threads, \(kilobytes) KiB" }

        private static func entries(of directory: String) -> Int {
            guard let handle = opendir(directory) else { return 0 }
            defer { closedir(handle) }
            var count = 0
            while readdir(handle) != nil { count += 1 }
            return count
        }

        private static func resident() -> Int {
            guard let file = fopen("/proc/self/statm", "re") else { return 0 }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 128)
            guard fgets(&line, CInt(line.count), file) != nil else { return 0 }
            let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split(separator: " ")
            return words.count > 1 ? (Int(words[1]) ?? 0) * 4 : 0
        }
    }

    @Test("Thousands of calls: answered, given up while they ring, and to the box's own services")
    func calls() async {
        await #expect(processExitsWith: .success) {
            let wanted = getenv("SIPCALL_LONG_LIFE").flatMap { Int(String(cString: $0)) } ?? 2000
            let box = try await Box.open()
            box.provider.isForgetful.store(true, ordering: .relaxed)
            box.provider.answersCalls.store(true, ordering: .relaxed)
            // The first half fills what is kept on purpose (the history of events, caches) and shows the allocator how much
            // it takes; the second must find all of that free again.
            let warm = try await Self.make(wanted / 2, on: box)
            let before = Footprint()
            let answered = try await Self.make(wanted / 2, on: box)
            let after = Footprint()
            let status = await box.switchboard.status()
            let figures = "\(warm) and \(answered) of \(wanted) calls answered; \(before), then \(after)"
            // What a process of its own prints is not shown: whoever wants the figures names a file.
            if let path = getenv("SIPCALL_LONG_LIFE_FIGURES"), let file = fopen(path, "w") {
                fputs("\(figures); \(status)\n", file)
                fclose(file)
            }
            #expect(warm + answered >= wanted / 2)
            #expect(status.legs == 0 && status.dialogs == 0 && status.mediaLegs == 0 && status.mediaSockets == 1)
            #expect(after.descriptors <= before.descriptors + 4)
            #expect(after.threads <= before.threads + 2)
            #expect(after.kilobytes <= before.kilobytes + 16_384)
            await box.close()
        }
    }

    /// Makes calls on eight pages at a time, until even their transactions are gone.
    /// - Returns: how many were answered.
    private static func make(_ count: Int, on box: Box) async throws -> Int {
        let pages = 8
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<pages {
                let page = await box.page()
                group.addTask {
                    var answered = 0
                    for turn in 0..<(count / pages) {
                        let to = turn % 4 == 3 ? "*43" : "100"
                        let reply = await box.switchboard.handle(
                            .start(connection: page, to: Redacted(to), offer: Box.offer))
                        guard case .media(let call, _) = reply else {
                            throw Box.TookTooLong(what: "the call: \(reply)")
                        }
                        if turn % 4 != 2 {
                            try await box.wait("the answer", for: .seconds(20)) {
                                await box.switchboard.calls[call]?.call.publicState == .active
                            }
                            answered += 1
                        }
                        _ = await box.switchboard.handle(.end(connection: page, call: call))
                    }
                    return answered
                }
            }
            return try await group.reduce(0, +)
        }
        try await box.wait("the last call's end", for: .seconds(20)) { await box.switchboard.status().calls == 0 }
        await box.switchboard.letPass(.seconds(40))
        return made
    }
}
