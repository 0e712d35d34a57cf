// What libFuzzer calls, built by packaging/fuzz with address sanitizer. SIPCALL_FUZZ_TARGET names the parser.

import Glibc
import Numbering
import SDP
import SIPMessage
import Wire

private enum Target: String {
    case message, stream, uri, sdp, challenge, number

    static let chosen: Target = {
        guard let name = getenv("SIPCALL_FUZZ_TARGET"), let target = Target(rawValue: String(cString: name)) else {
            fatalError("SIPCALL_FUZZ_TARGET names no target")
        }
        return target
    }()

    func run(_ bytes: [UInt8]) {
        switch self {
        case .message: readMessage(bytes)
        case .stream: readStream(bytes)
        case .uri: readURI(String(decoding: bytes, as: UTF8.self))
        case .sdp:
            if let session = try? SessionDescription(bytes) { _ = session.text }
        case .challenge: readChallenge(String(decoding: bytes, as: UTF8.self))
        case .number: readNumber(bytes)
        }
    }
}

private func readMessage(_ bytes: [UInt8]) {
    let source = NetworkAddress(host: .ipv4(0xC000_0201), port: 5060)
    do throws(SIPParseError) {
        let message = try SIPMessage.parse(bytes)
        let again = try? SIPMessage.parse(message.serialized())
        precondition(again == message, "what was written reads differently")
        let headers = message.headers
        _ = (
            try? headers.vias(), try? headers.routes(), try? headers.contacts(), headers.reasons,
            headers.retryAfterDetails
        )
        _ = (headers.sessionExpires, headers.minSE, headers.rAck, headers.replaces, headers.referTo?.replaces)
        _ = (headers.event, headers.subscriptionState, headers.privacy, headers.assertedIdentities, headers.allow)
        _ = (try? headers.wwwChallenges(), headers.authorization, message.sessionDescription)
    } catch {
        _ = SIPResponse.refusal(of: bytes, because: error, from: source, toTag: "t")?.serialized()
    }
}

/// - Returns: why the stream cannot be read on.
private func takeAll(of framer: inout StreamFramer, into found: inout [StreamFramer.Element]) -> StreamFramer.Failure? {
    do throws(StreamFramer.Failure) {
        while let element = try framer.next() { found.append(element) }
        return nil
    } catch {
        return error
    }
}

/// Cut anywhere, a stream gives the same frames as whole.
private func readStream(_ bytes: [UInt8]) {
    guard let step = bytes.first else { return }
    var whole = StreamFramer()
    var pieces = StreamFramer()
    let stream = bytes.dropFirst()
    whole.append(stream)
    var expected: [StreamFramer.Element] = []
    let expectedEnd = takeAll(of: &whole, into: &expected)
    var found: [StreamFramer.Element] = []
    var end: StreamFramer.Failure?
    var rest = stream
    while !rest.isEmpty, end == nil {
        pieces.append(rest.prefix(Int(step) + 1))
        rest = rest.dropFirst(Int(step) + 1)
        end = takeAll(of: &pieces, into: &found)
    }
    precondition(end == expectedEnd, "the end of a stream depends on how it was cut")
    precondition(found == expected, "frames depend on how the stream was cut")
}

private func readURI(_ text: String) {
    if let uri = try? URI(text) {
        precondition((try? URI(uri.text)) == uri, "a URI reads differently once written")
    }
    if let address = try? NameAddress(text) {
        precondition((try? NameAddress(address.text)) == address, "an address reads differently once written")
    }
}

private func readChallenge(_ text: String) {
    for challenge in (try? Challenge.list(text)) ?? [] {
        _ = (challenge.realm, challenge.qualityOfProtection, challenge.isStale, challenge.text)
    }
    _ = try? Credentials(text).nonceCount
}

private let plans = ["DE", "US", "GB", "IT", "RU", "JP", "KR", "CN", "BR", "HK"]
    .compactMap { Region($0).flatMap(NumberingPlan.of) }

private func readNumber(_ bytes: [UInt8]) {
    guard let first = bytes.first, !plans.isEmpty else { return }
    let plan = plans[Int(first) % plans.count]
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    guard case .international(let number)? = try? plan.normalise(text, areaCode: "30") else { return }
    precondition((try? plan.normalise(number.e164)) == .international(number), "normalising twice gives another number")
    _ = (number.kind, number.region)
}

/// Processor seconds of this thread.
private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Ten milliseconds a kilobyte, with the sanitizer's cost in it; a shorter input counts as a kilobyte.
private let secondsPerKilobyte = 0.01

private func timed(_ bytes: [UInt8]) -> Double {
    let start = processorTime()
    Target.chosen.run(bytes)
    return processorTime() - start
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let limit = max(Double(size) / 1024, 1) * secondsPerKilobyte
    var spent = timed(bytes)
    // Slow every time, or only because the machine was busy with its memory?
    for _ in 0..<4 where spent >= limit { spent = min(spent, timed(bytes)) }
    precondition(spent < limit, "too slow: \(spent) s for \(size) bytes")
    return 0
}
