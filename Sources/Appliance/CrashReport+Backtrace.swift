extension CrashReport {
    static let mostThreads = 64
    static let mostFrames = 64

    /// Takes over what the Swift runtime's backtracer wrote as text, without symbols.
    ///
    ///     Thread 0 "sipcall" crashed:
    ///     0      0x00007f7f3465a301
    ///     1 [ra] 0x000055fd9312cc69
    ///     0x000055fd91b4b000–0x000055fd93dc65f0 BUILD-ID sipcall   /usr/bin/sipcall
    ///
    /// Only lines of these three forms are read, so that whatever else it prints, registers say, gets nowhere. An address becomes
    /// an offset into its image: it tells no more than the code's place, and is the same in every process.
    mutating func add(backtrace text: String) {
        var found: [(name: String, crashed: Bool, addresses: [UInt64])] = []
        var images: [(low: UInt64, high: UInt64, image: Image)] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { continue }
            if first == "Thread", words.count > 1 {
                guard found.count < Self.mostThreads else { break }
                let name = line.split(separator: "\"", omittingEmptySubsequences: false)
                found.append((name.count > 2 ? Self.word(name[1]) : "", line.hasSuffix("crashed:"), []))
            } else if Int(first) != nil, let address = words.dropFirst().lazy.compactMap(Self.address).first {
                guard let last = found.indices.last, found[last].addresses.count < Self.mostFrames else { continue }
                found[last].addresses.append(address)
            } else if first.hasPrefix("0x"), words.count >= 3, images.count < Self.mostThreads {
                let ends = first.split(separator: "–").map(Self.address)
                guard ends.count == 2, let low = ends[0], let high = ends[1], low < high,
                    words[1].utf8.allSatisfy("0123456789abcdef".utf8.contains)
                else { continue }
                images.append((low, high, Image(name: Self.word(words[2]), buildID: Self.word(words[1]))))
            }
        }
        threads = found.map { thread in
            Thread(
                name: thread.name, crashed: thread.crashed,
                frames: thread.addresses.map { address in
                    guard let home = images.first(where: { ($0.low...$0.high).contains(address) }) else {
                        return "unknown"
                    }
                    return "\(home.image.name)+0x\(String(address - home.low, radix: 16))"
                })
        }
        self.images = images.map(\.image)
    }

    private static func address(_ text: Substring) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil
    }

    /// A short printable word.
    static func word(_ text: some StringProtocol) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(64).filter { (0x20..<0x7f).contains($0.value) }))
    }
}
