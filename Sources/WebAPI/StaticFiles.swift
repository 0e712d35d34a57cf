import Crypto
import FoundationEssentials
import Hummingbird
import Wire

/// The page's files, read once: what is served is what lay there at the start, whatever path is asked for.
struct StaticFiles: Sendable {
    struct File: Sendable {
        let bytes: ByteBuffer
        let contentType: String
        /// Strong (RFC 9110 §8.8.3), with its quotes.
        let entityTag: String
    }

    private static let mostFiles = 2000
    private static let mostBytes = 32 * 1024 * 1024
    private static let contentTypes = [
        "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "json": "application/json",
        "svg": "image/svg+xml", "png": "image/png", "ico": "image/x-icon", "webp": "image/webp",
        "woff2": "font/woff2", "txt": "text/plain; charset=utf-8", "webmanifest": "application/manifest+json",
        "mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav", "opus": "audio/ogg",
    ]

    private let files: [String: File]

    /// - Throws: `web.page-missing`: the folder or a file cannot be read, or is too large.
    init(root: String) throws(Problem) {
        var files: [String: File] = [:]
        var bytes = 0
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: root) else {
            throw WebProblem.pageMissing(root, why: "it is not a folder that this user may read")
        }
        // Neither hidden files nor links: what is served lies in the folder itself.
        for name in names where !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }) {
            let path = root + "/" + name
            guard let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType,
                kind == .typeRegular
            else { continue }
            guard let data = FileManager.default.contents(atPath: path) else {
                throw WebProblem.pageMissing(path, why: "this user may not read it")
            }
            bytes += data.count
            guard files.count < Self.mostFiles, bytes <= Self.mostBytes else {
                throw WebProblem.pageMissing(root, why: "they are more than 2,000 files or 32 MiB")
            }
            let suffix = name.split(separator: ".").last.map(String.init) ?? ""
            files["/" + name] = File(
                bytes: ByteBuffer(bytes: data), contentType: Self.contentTypes[suffix] ?? "application/octet-stream",
                entityTag: "\"\(hexadecimal(SHA256.hash(data: data).prefix(16)))\"")
        }
        files["/"] = files["/index.html"]
        self.files = files
    }

    /// - Parameter path: as it stands in the request; an escaped or dotted one names no file.
    subscript(path: String) -> File? { files[path] }
}
