import FoundationEssentials
import Wire

/// What a page may ask for on the phone socket.
enum PhoneRequest: Equatable, Sendable {
    case ping
    /// `hidden`: whoever is called is not told who calls; missing for as the account is set.
    case start(to: Redacted<String>, sdp: Redacted<String>, hidden: Bool? = nil)
    case offer(call: CallIdentifier, sdp: Redacted<String>)
    case answer(call: CallIdentifier)
    case end(call: CallIdentifier)
    case hold(call: CallIdentifier, wanted: Bool)
    case transfer(call: CallIdentifier, to: Redacted<String>)
    case bringTogether(call: CallIdentifier, other: CallIdentifier)
    case digits(call: CallIdentifier, digits: Redacted<String>)
}

/// The `id` of JSON-RPC 2.0 §4: what the page put there comes back.
enum RPCIdentifier: Hashable, Sendable, Codable {
    case text(String)
    case number(Double)
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self), text.utf8.count <= 128 {
            self = .text(text)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number):
            if let whole = Int64(exactly: number) { try container.encode(whole) } else { try container.encode(number) }
        case .null: try container.encodeNil()
        }
    }
}

/// JSON-RPC 2.0 §5.1.
struct RPCError: Error, Encodable, Equatable, Sendable {
    var code: Int
    var message: String
    /// With our own code −32000: what the page shows.
    var data: Problem?

    static let parse = RPCError(code: -32700, message: "Parse error")
    static let invalidRequest = RPCError(code: -32600, message: "Invalid Request")
    static let methodNotFound = RPCError(code: -32601, message: "Method not found")
    static let invalidParams = RPCError(code: -32602, message: "Invalid params")

    static func problem(_ problem: Problem) -> RPCError {
        RPCError(code: -32000, message: problem.sentence, data: problem)
    }
}

/// One message of a page, read once and completely.
struct RPCMessage: Sendable {
    /// nil: a notification, which is never answered (JSON-RPC 2.0 §4.1).
    var id: RPCIdentifier?
    var request: Result<PhoneRequest, RPCError>

    init(_ text: String) {
        do {
            self = try JSONDecoder().decode(RPCMessage.self, from: Data(text.utf8))
        } catch {
            id = .null
            request = .failure(.parse)
        }
    }
}

extension RPCMessage: Decodable {
    private enum Key: String, CodingKey { case jsonrpc, method, id, params }
    private enum Parameter: String, CodingKey { case to, sdp, call, digits, held, other, hidden }

    init(from decoder: any Decoder) throws {
        guard let message = try? decoder.container(keyedBy: Key.self) else {
            id = .null
            request = .failure(.invalidRequest)
            return
        }
        do {
            id = message.contains(.id) ? try message.decode(RPCIdentifier.self, forKey: .id) : nil
        } catch {
            id = .null
            request = .failure(.invalidRequest)
            return
        }
        guard (try? message.decode(String.self, forKey: .jsonrpc)) == "2.0",
            let method = try? message.decode(String.self, forKey: .method)
        else {
            id = id ?? .null
            request = .failure(.invalidRequest)
            return
        }
        request = Self.request(method, message)
    }

    private static func request(_ method: String, _ message: KeyedDecodingContainer<Key>) -> Result<
        PhoneRequest, RPCError
    > {
        func parameters() throws -> KeyedDecodingContainer<Parameter> {
            try message.nestedContainer(keyedBy: Parameter.self, forKey: .params)
        }
        do {
            switch method {
            case "phone.ping": return .success(.ping)
            case "call.start":
                let given = try parameters()
                return .success(
                    .start(
                        to: try given.number(.to), sdp: try given.sdp(.sdp),
                        hidden: try given.decodeIfPresent(Bool.self, forKey: .hidden)))
            case "call.offer":
                let given = try parameters()
                return .success(
                    .offer(call: try given.decode(CallIdentifier.self, forKey: .call), sdp: try given.sdp(.sdp)))
            case "call.answer":
                return .success(.answer(call: try parameters().decode(CallIdentifier.self, forKey: .call)))
            case "call.end":
                return .success(.end(call: try parameters().decode(CallIdentifier.self, forKey: .call)))
            case "call.hold":
                let given = try parameters()
                return .success(
                    .hold(
                        call: try given.decode(CallIdentifier.self, forKey: .call),
                        wanted: try given.decode(Bool.self, forKey: .held)))
            case "call.transfer":
                let given = try parameters()
                let call = try given.decode(CallIdentifier.self, forKey: .call)
                guard given.contains(.other) else { return .success(.transfer(call: call, to: try given.number(.to))) }
                return .success(
                    .bringTogether(call: call, other: try given.decode(CallIdentifier.self, forKey: .other)))
            case "call.digits":
                let given = try parameters()
                return .success(
                    .digits(
                        call: try given.decode(CallIdentifier.self, forKey: .call), digits: try given.digits(.digits)))
            default: return .failure(.methodNotFound)
            }
        } catch {
            return .failure(.invalidParams)
        }
    }
}

extension KeyedDecodingContainer {
    /// As it was dialled: 1 to 64 characters, none of them a control character.
    fileprivate func number(_ key: Key) throws -> Redacted<String> {
        try text(key, upTo: 64 * 4) { text in
            text.count <= 64 && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        }
    }

    fileprivate func sdp(_ key: Key) throws -> Redacted<String> {
        try text(key, upTo: PhoneSocket.largestMessage) { !$0.utf8.contains(0) }
    }

    fileprivate func digits(_ key: Key) throws -> Redacted<String> {
        try text(key, upTo: 64) { text in text.utf8.allSatisfy { "0123456789ABCD*#".utf8.contains($0) } }
    }

    private func text(_ key: Key, upTo bytes: Int, where isGood: (String) -> Bool) throws -> Redacted<String> {
        let text = try decode(String.self, forKey: key)
        guard (1...bytes).contains(text.utf8.count), isGood(text) else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "not acceptable")
        }
        return Redacted(text)
    }
}
