import FoundationEssentials
package import NIOCore

/// What goes from the web process to the core in one frame.
package enum ControlRequest: Codable, Sendable, Equatable {
    /// The first frame. `client` names the process that asks: it may come again over a new connection. `watches` is whether
    /// it wants the events of the box (``ControlEvent/box(_:)``) too; they are sent unless it says no.
    case hello(client: String, watches: Bool? = nil)
    /// `id` is unique for this client; the same id is the same command.
    case command(id: UInt64, command: ControlCommand)
}

/// What goes from the core to the web process in one frame.
package enum ControlResponse: Codable, Sendable, Equatable {
    /// The first frame. `epoch` is another one after the core has been restarted. Every event with a number above
    /// `last` follows, and may be known from the snapshot already.
    case snapshot(epoch: String, last: UInt64, snapshot: ControlSnapshot)
    case event(number: UInt64, event: ControlEvent)
    case reply(id: UInt64, reply: ControlReply)
}

/// How messages lie on the socket (drawn in Control.swift).
package enum ControlFraming {
    /// Bytes of JSON in one frame.
    package static let largestFrame = 256 * 1024
    static let lengthBytes = 4
}

/// A peer that does not speak the protocol of the control socket; its connection is closed.
package enum ControlFrameError: Error, Equatable {
    /// The length is 0 or above `ControlFraming.largestFrame`.
    case length(UInt32)
    /// The JSON is not one of the messages.
    case content
    /// The message would not fit into a frame.
    case tooLarge(Int)
    /// A frame came out of turn: a second hello, or a command before it.
    case order
}

/// Cuts the stream into the JSON of one frame each.
package struct ControlFrameDecoder: NIOSingleStepByteToMessageDecoder {
    package typealias InboundOut = ByteBuffer

    package init() {}

    package mutating func decode(buffer: inout ByteBuffer) throws -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0, let bytes = Int(exactly: length), bytes <= ControlFraming.largestFrame else {
            throw ControlFrameError.length(length)
        }
        guard buffer.readableBytes >= ControlFraming.lengthBytes + bytes else { return nil }
        buffer.moveReaderIndex(forwardBy: ControlFraming.lengthBytes)
        return buffer.readSlice(length: bytes)
    }

    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> ByteBuffer? {
        try decode(buffer: &buffer)
    }
}

/// Turns messages into frames and back.
package struct ControlCoder {
    private let encoder = JSONEncoder()
    private let decoder = JSONDecoder()

    package init() {
        // One base64 sign in 64 is a slash, in the worst case every one: escaped, a batch of records would not fit a frame.
        encoder.outputFormatting = .withoutEscapingSlashes
    }

    /// - Throws: `ControlFrameError.tooLarge`.
    package func frame(_ message: some Encodable) throws(ControlFrameError) -> ByteBuffer {
        let json: Data
        do {
            json = try encoder.encode(message)
        } catch {
            throw ControlFrameError.content
        }
        guard json.count <= ControlFraming.largestFrame, let length = UInt32(exactly: json.count) else {
            throw ControlFrameError.tooLarge(json.count)
        }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(ControlFraming.lengthBytes + json.count)
        buffer.writeInteger(length)
        buffer.writeBytes(json)
        return buffer
    }

    /// - Throws: `ControlFrameError.content`, which says nothing about the content.
    package func message<Message: Decodable>(_ type: Message.Type, in frame: ByteBuffer) throws(ControlFrameError)
        -> Message
    {
        do {
            return try decoder.decode(type, from: Data(frame.readableBytesView))
        } catch {
            throw ControlFrameError.content
        }
    }
}
