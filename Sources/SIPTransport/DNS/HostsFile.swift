import Glibc
import Wire

/// The names that the owner of the machine gave to addresses (hosts(5)); they come before the DNS.
struct HostsFile {
    private static let limit = 262_144
    let text: String

    /// - Returns: nil without a file that can be read.
    init?(path: String = "/etc/hosts") {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.limit)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { return nil }
        self.init(text: String(decoding: bytes[..<count], as: UTF8.self))
    }

    init(text: String) {
        self.text = text
    }

    /// In the file's order.
    func addresses(of name: String) -> [NetworkAddress.Host] {
        let wanted = name.lowercased()
        var found: [NetworkAddress.Host] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard words.count > 1, words.dropFirst().contains(where: { $0.lowercased() == wanted }),
                let host = words.first.flatMap({ NetworkAddress.Host(String($0)) }), !found.contains(host)
            else { continue }
            found.append(host)
        }
        return found
    }
}
