import Glibc
import Settings

extension PresetShelf {
    private static let folder = "/usr/share/sipcall/presets"

    /// The presets of the package, and files that a configuration names by their path.
    /// - Parameter configuration: the configuration's folder with a slash at its end: what relative paths begin at.
    static func installed(beside configuration: String) -> PresetShelf {
        PresetShelf(names: names) { name in
            guard name.contains("/") else { return text("\(folder)/\(name).toml") }
            return text(name.hasPrefix("/") ? name : configuration + name)
        }
    }

    private static func text(_ path: String) -> (file: String, text: String)? {
        readText(path).map { (path, $0) }
    }

    private static var names: [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < 256, let entry = readdir(directory) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if file.hasSuffix(".toml") { names.append(String(file.dropLast(5))) }
        }
        return names
    }
}
