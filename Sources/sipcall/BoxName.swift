import Appliance
import Glibc
import Wire

/// Names this box in every record: one ledger may be made from several boxes. 16 hexadecimal digits at random, so that they tell
/// nothing; made once.
enum BoxName {
    /// - Parameter directory: the core's own.
    /// - Returns: a name for this run only where none can be kept.
    static func known(in directory: String) -> String {
        let path = "\(directory)/box-name"
        if let bytes = SmallFile.read(path, atMost: 64) {
            let name = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
            if name.utf8.count == 16, name.allSatisfy(\.isHexDigit) { return name }
        }
        var generator = SystemRandomNumberGenerator()
        let name = hexadecimal(bytes: 8, using: &generator)
        _ = SmallFile.replace(path, with: Array("\(name)\n".utf8), durable: true)
        return name
    }
}

/// Where the machine stands, as the tz database names it.
enum TimeZoneName {
    /// Read anew each time: people travel, and the core does not restart for it.
    static func now() -> String {
        if let text = getenv("TZ").map({ String(cString: $0) }), text.contains("/"), !text.hasPrefix("/") {
            return String(text.drop { $0 == ":" }.prefix(64))
        }
        let words = FileContents.link("/etc/localtime")?.split(separator: "/") ?? []
        guard let folder = words.lastIndex(of: "zoneinfo"), folder + 1 < words.count else { return "UTC" }
        return String(words[(folder + 1)...].joined(separator: "/").prefix(64))
    }
}
