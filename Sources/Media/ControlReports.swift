import RTP
import SecureMedia
import Wire

/// RTCP of one leg: our report each 5 s or so, and what the peer's says (RFC 3550 §6).
enum ControlReports {
    /// Writes and sends the report that is due.
    /// - Parameter isGoodbye: the leg ends; its BYE goes with the last report.
    static func send(for leg: Leg, isGoodbye: Bool = false, _ context: LoopContext) {
        let slot = context.queue.reserve()
        let room = UnsafeMutableRawBufferPointer(rebasing: slot[..<(slot.count - 64)])
        switch leg.transport {
        case .browser(let browser):
            guard let srtp = browser.srtp, let path = browser.selected,
                let length = write(for: leg, isGoodbye: isGoodbye, into: room, context),
                let protected = try? srtp.protectRTCP(slot, length: length)
            else { return }
            context.queue.commit(protected, through: context.browserSocket, along: path)
        case .trunk(let trunk):
            guard let path = trunk.controlDestination, path.remote.port != 0, !path.remote.host.isUnspecified,
                let length = write(for: leg, isGoodbye: isGoodbye, into: room, context)
            else { return }
            context.queue.commit(length, through: trunk.rtcp.handle, along: path)
        }
    }

    private static func write(
        for leg: Leg, isGoodbye: Bool, into room: UnsafeMutableRawBufferPointer, _ context: LoopContext
    ) -> Int? {
        try? RTCP.writeReport(
            into: room, sender: &leg.sender, receiver: &leg.receiver, canonicalName: leg.cname, isGoodbye: isGoodbye,
            ntp: .now(), now: context.now)
    }

    /// Takes in the peer's compound packet.
    static func receive(_ packet: UnsafeRawBufferPointer, for leg: Leg, _ context: LoopContext) {
        guard var reader = try? RTCPReader(packet) else {
            context.dropped.count(.badRTCP)
            return
        }
        while true {
            do throws(RTCPError) {
                guard let next = try reader.next() else { return }
                take(next, for: leg, context)
            } catch {
                context.dropped.count(.badRTCP)
            }
        }
    }

    private static func take(_ packet: RTCPPacket, for leg: Leg, _ context: LoopContext) {
        switch packet {
        case .senderReport(let ssrc, let information, let blocks):
            leg.receiver.receivedSenderReport(ssrc: ssrc, ntp: information.ntp, now: context.now)
            measure(blocks, for: leg)
        case .receiverReport(_, let blocks):
            measure(blocks, for: leg)
        case .sourceDescription, .goodbye, .feedback, .other:
            // Signalling ends calls, not BYE; and there is no picture to be refreshed.
            break
        }
    }

    private static func measure(_ blocks: ReportBlocks, for leg: Leg) {
        guard let block = blocks.about(leg.sender.ssrc), let time = block.roundTrip(arrival: .now()) else { return }
        leg.roundTrip = time
    }
}
