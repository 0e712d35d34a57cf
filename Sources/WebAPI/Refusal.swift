import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

/// A request that gets a problem for an answer (RFC 9457).
struct Refusal: Error {
    let status: HTTPResponse.Status
    let problem: Problem
    let headers: HTTPFields
    /// Which value of the request is meant.
    let key: String?

    init(
        _ status: HTTPResponse.Status, _ problem: Problem, _ headers: HTTPFields = [:], key: String? = nil
    ) {
        self.status = status
        self.problem = problem
        self.headers = headers
        self.key = key
    }

    static let contentType = "application/problem+json"

    /// The members of RFC 9457 §3.1 for programs, our own for the page.
    private struct Body: Encodable {
        var type = "about:blank"
        var title: String
        var status: Int
        var detail: String
        var code: String
        var sentence: String
        var remedy: String
        var key: String?
    }

    var body: [UInt8] {
        let body = Body(
            title: status.reasonPhrase, status: status.code, detail: problem.sentence, code: problem.code,
            sentence: problem.sentence, remedy: problem.remedy, key: key)
        return (try? JSONEncoder().encode(body)).map(Array.init) ?? []
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = Self.contentType
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// What every answer tells the browser never to do.
enum SecurityHeaders {
    static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "media-src 'self' blob:", "require-trusted-types-for 'script'", "trusted-types 'none'",
        "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
    ].joined(separator: "; ")

    private static let texts = [
        ("Content-Security-Policy", contentSecurityPolicy), ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"), ("Permissions-Policy", "microphone=(self)"),
        ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
    ]

    /// For half a year the browser comes over TLS only (RFC 6797), also after somebody types the bare name. Not for the names
    /// below the host's: they may be other machines.
    static let transportSecurity = "max-age=15552000"

    static let all: [(HTTPField.Name, String)] = texts.compactMap { text in
        HTTPField.Name(text.0).map { ($0, text.1) }
    }
}
