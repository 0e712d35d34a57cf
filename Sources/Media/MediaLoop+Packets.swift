import ICE
import RTP
import SDP
import SecureMedia
import Wire

/// The road of a packet, from the socket to the leg it is for.
extension MediaLoop {
    func receiveFromBrowser(_ datagram: UnsafeMutableRawBufferPointer, _ path: PacketPath) {
        let bytes = UnsafeRawBufferPointer(datagram)
        guard let kind = PacketKind(bytes) else {
            context.dropped.count(.unknownProtocol)
            return
        }
        if kind == .stun {
            receiveCheck(bytes, path)
            return
        }
        guard let leg = byAddress[path.remote], case .browser(let browser) = leg.transport else {
            context.dropped.count(kind == .dtls ? .strangerDTLS : .strangerSRTP)
            return
        }
        switch kind {
        case .stun:
            break
        case .dtls:
            browser.dtls.receive(bytes, now: context.now) { reply in
                context.queue.send(reply, through: context.browserSocket, along: path)
            }
            handshakeMoved(leg, browser)
            ticker.set(pace)
        case .rtp:
            guard let srtp = browser.srtp else { return context.dropped.count(.earlySRTP) }
            guard let length = try? srtp.unprotectRTP(datagram, length: datagram.count) else {
                return context.dropped.count(.badSRTP)
            }
            receive(UnsafeRawBufferPointer(rebasing: bytes[..<length]), from: leg)
        case .rtcp:
            guard let srtp = browser.srtp else { return context.dropped.count(.earlySRTP) }
            guard let length = try? srtp.unprotectRTCP(datagram, length: datagram.count) else {
                return context.dropped.count(.badSRTP)
            }
            ControlReports.receive(UnsafeRawBufferPointer(rebasing: bytes[..<length]), for: leg, context)
        }
    }

    /// A connectivity check. What names no leg costs no cryptography, what fails integrity gets no answer.
    private func receiveCheck(_ bytes: UnsafeRawBufferPointer, _ path: PacketPath) {
        guard let fragment = ICELiteAgent.usernameFragment(of: bytes), let leg = byFragment[fragment],
            case .browser(let browser) = leg.transport
        else { return context.dropped.count(.strangerSTUN) }
        let slot = context.queue.reserve()
        let action = browser.agent.received(bytes, from: path.remote, now: context.now, reply: slot)
        guard case .reply(let length, let nominated) = action else { return context.dropped.count(.badSTUN) }
        context.queue.commit(length, through: context.browserSocket, along: path)
        // An error is answered too (487), but validates nothing.
        guard browser.agent.isValidated(path.remote) else { return }
        let wasLost = browser.lostConsent
        let (isNew, forgotten) = browser.checked(path, nominated: nominated, now: context.now)
        // After its goodbye a browser does not come back on this leg.
        if wasLost, case .connected = browser.dtls.state { context.emit(.consentBack(leg.identifier)) }
        if let forgotten, byAddress[forgotten] === leg { byAddress[forgotten] = nil }
        if isNew {
            if let other = byAddress[path.remote], other !== leg, case .browser(let former) = other.transport {
                former.forget(path.remote)
            }
            byAddress[path.remote] = leg
        }
    }

    /// Reports what the handshake came to.
    func handshakeMoved(_ leg: Leg, _ browser: BrowserLeg) {
        switch browser.dtls.state {
        case .handshaking:
            break
        case .connected:
            guard browser.srtp == nil, !browser.hasFailed else { return }
            if browser.secure() {
                context.emit(.connected(leg.identifier))
                if leg.player == nil, patience.fillsTheWait { leg.player = ServicePlayer(.silence) }
                ticker.set(pace)
            } else {
                fail(leg, browser, DTLSFailure.protocolViolation(reason: "keys refused").problem)
            }
        case .failed(let failure):
            fail(leg, browser, failure.problem)
        case .closed:
            // The browser said goodbye (close_notify), which nobody else can after the keys.
            guard !browser.lostConsent else { return }
            browser.lostConsent = true
            context.emit(.goodbye(leg.identifier))
        }
    }

    func fail(_ leg: Leg, _ browser: BrowserLeg, _ problem: Problem) {
        guard !browser.hasFailed else { return }
        browser.hasFailed = true
        context.emit(.failed(leg.identifier, problem))
    }

    func receiveRTP(_ leg: Leg, _ trunk: TrunkLeg) {
        let count = batch.receive(from: trunk.rtp.handle.descriptor)
        for index in 0..<count {
            guard let datagram = batch.datagram(index), let path = batch.path(index) else {
                context.dropped.count(.oversized)
                continue
            }
            let bytes = UnsafeRawBufferPointer(datagram)
            // Checked before the latch, so that junk cannot take it.
            guard let header = try? RTPHeader(parsing: bytes), !RTCP.isRTCP(bytes) else {
                context.dropped.count(.badRTP)
                continue
            }
            guard leg.formats[header.payloadType] != .unknown else {
                context.dropped.count(.unknownPayloadType)
                continue
            }
            guard trunk.latch.admits(path, now: context.now) else {
                context.dropped.count(.foreignSource)
                continue
            }
            if trunk.heardSince != nil { trunk.heardSince = context.now }
            trunk.isSilent = false
            trunk.gaveSign(now: context.now)
            receive(bytes, header, from: leg)
        }
    }

    func receiveRTCP(_ leg: Leg, _ trunk: TrunkLeg) {
        let count = batch.receive(from: trunk.rtcp.handle.descriptor)
        for index in 0..<count {
            guard let datagram = batch.datagram(index), let path = batch.path(index) else {
                context.dropped.count(.oversized)
                continue
            }
            guard trunk.admitsControl(path) else {
                context.dropped.count(.foreignSource)
                continue
            }
            trunk.gaveSign(now: context.now)
            ControlReports.receive(UnsafeRawBufferPointer(datagram), for: leg, context)
        }
    }

    private func receive(_ packet: UnsafeRawBufferPointer, from leg: Leg) {
        guard let header = try? RTPHeader(parsing: packet) else { return context.dropped.count(.badRTP) }
        receive(packet, header, from: leg)
    }

    /// A packet whose sender is proven, by SRTP or by the latch.
    private func receive(_ packet: UnsafeRawBufferPointer, _ header: RTPHeader, from leg: Leg) {
        let payload = UnsafeRawBufferPointer(rebasing: packet[header.payload])
        switch leg.formats[header.payloadType] {
        case .unknown:
            context.dropped.count(.unknownPayloadType)
        case .audio(let codec):
            leg.receiver.received(header, clockRate: codec.clockRate, now: context.now)
            heard(leg)
            leg.codecIn = codec
            // A packet of padding alone (a browser's bandwidth probe) says nothing.
            guard payload.count > 0 else { return }
            leg.bridge?.sound(header, payload, codec, context)
        case .event(let clockRate):
            leg.receiver.received(header, clockRate: clockRate, isTimed: false, now: context.now)
            heard(leg)
            guard let event = try? TelephoneEvent(parsing: payload) else { return context.dropped.count(.badRTP) }
            let outcome = leg.digits.received(event, header: header, clockRate: clockRate, now: context.now)
            if let digit = outcome.interrupted { pressed(digit.character, leg) }
            relay(event, header, clockRate: clockRate, from: leg)
            if let digit = outcome.completed { pressed(digit.character, leg) }
            ticker.set(pace)
        }
    }

    private func heard(_ leg: Leg) {
        guard !leg.heardFirstPacket else { return }
        leg.heardFirstPacket = true
        context.emit(.firstPacket(leg.identifier))
    }
}
