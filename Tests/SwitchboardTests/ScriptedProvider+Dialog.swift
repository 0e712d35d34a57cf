import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

/// What the provider does inside a call that it answered.
extension ScriptedProvider {
    /// Sends a request inside the call that the box made last.
    /// - Parameters:
    ///   - sequence: above that of the request before.
    ///   - change: the header fields and the body.
    func send(
        _ method: SIPMethod, _ sequence: UInt32, to box: NetworkAddress, _ change: (inout SIPRequest) -> Void = { _ in }
    ) throws {
        let invite = try #require(first(.invite))
        let contact = try #require(invite.headers.contact?.uri.sip)
        var own = try #require(invite.headers.to)
        own.tag = "provider"
        var request = SIPRequest(
            method, contact,
            via: Via(transport: "UDP", sentBy: address, branch: Via.magicCookie + "inside\(sequence)"), from: own,
            to: try #require(invite.headers.from), callID: try #require(invite.headers.callID), cseq: sequence)
        request.headers.contact = NameAddress(SIPURI(user: "gateway", address: address))
        change(&request)
        transport.send(request.serialized(), to: SIPPeer(.udp, box))
    }

    func acknowledge(_ sequence: UInt32, to box: NetworkAddress, body: [UInt8] = []) throws {
        try send(.ack, sequence, to: box) { request in
            request.headers.cseq = CSeq(sequence, .ack)
            if !body.isEmpty { request.setBody(body) }
        }
    }

    /// The ACK to the box's answer to `call`.
    func acknowledgeCall(_ response: SIPResponse, _ box: NetworkAddress, body: [UInt8] = []) {
        guard let from = response.headers.from, let to = response.headers.to,
            let target = response.headers.contact?.uri.sip
        else { return }
        var ack = SIPRequest(
            .ack, target, via: Via(transport: "UDP", sentBy: address, branch: Via.magicCookie + "ack"), from: from,
            to: to, callID: response.headers.callID ?? "", cseq: 1)
        if !body.isEmpty { ack.setBody(body) }
        transport.send(ack.serialized(), to: SIPPeer(.udp, box))
    }

    /// The final response to a request of that number and method.
    func response(_ method: SIPMethod, _ sequence: UInt32) -> SIPResponse? {
        responses.last { !$0.isProvisional && $0.headers.cseq?.method == method && $0.headers.cseq?.number == sequence }
    }
}

/// A provider's session description, as its gateway would write it.
func session(
    _ direction: String = "sendrecv", address: String = "127.0.0.1", port: UInt16 = 40_000, version: Int = 2,
    formats: String = "0", extra: String = ""
) -> [UInt8] {
    Array(
        """
        v=0\r
        o=- 2 \(version) IN IP4 127.0.0.1\r
        s=-\r
        c=IN IP4 \(address)\r
        t=0 0\r
        m=audio \(port) RTP/AVP \(formats)\r
        a=rtpmap:0 PCMU/8000\r
        a=rtpmap:8 PCMA/8000\r
        a=\(direction)\r
        \(extra)
        """.utf8)
}

let faxOffer: [UInt8] = Array(
    """
    v=0\r
    o=- 2 3 IN IP4 127.0.0.1\r
    s=-\r
    c=IN IP4 127.0.0.1\r
    t=0 0\r
    m=image 40002 udptl t38\r

    """.utf8)
