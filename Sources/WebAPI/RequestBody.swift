import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

extension Request {
    static let largestBody = 16 * 1024

    /// The body, read as JSON.
    ///
    /// - Parameter limit: bytes.
    /// - Throws: a refusal when the type is another one or the content is not what is expected; `NIOTooManyBytesError`.
    func json<Body: Decodable>(as type: Body.Type, upTo limit: Int = largestBody) async throws -> Body {
        guard let type = headers[.contentType]?.lowercased(), type.hasPrefix("application/json") else {
            throw Refusal(.unsupportedMediaType, WebProblem.notJSON)
        }
        let bytes = try await body.collect(upTo: limit)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        guard let body = try? decoder.decode(Body.self, from: Data(bytes.readableBytesView)) else {
            throw Refusal(.badRequest, WebProblem.notJSON)
        }
        return body
    }
}

extension Response {
    /// 200 with JSON; times of day as RFC 3339.
    ///
    /// - Throws: `web.internal-error`.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(Problem) -> Response {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(value) else { throw WebProblem.internalError }
        return Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    /// 204
    static var done: Response { Response(status: .noContent, headers: [.cacheControl: "no-store"]) }
}
