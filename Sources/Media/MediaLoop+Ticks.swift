import RTP
import SDP
import SecureMedia
import Wire

/// What time alone brings about.
extension MediaLoop {
    /// A loop that was kept from running makes up for so many packets and no more.
    private static let greatestBacklog = 5

    /// How often the loop must wake although nothing arrives.
    var pace: Ticker.Pace {
        guard !legs.isEmpty else { return .stopped }
        for leg in legs.values {
            if leg.player != nil || leg.digitSender != nil || leg.digits.nextDeadline != nil { return .packets }
            if case .browser(let browser) = leg.transport, browser.dtls.nextDeadline != nil { return .packets }
        }
        return .slow
    }

    func tick(times: Int) {
        for leg in legs.values {
            advanceDigits(leg)
            if let player = leg.player {
                for _ in 0..<min(times, Self.greatestBacklog) { player.tick(leg, context) }
                if player.isOver { leg.player = nil }
            }
            if let digit = leg.digits.advance(to: context.now) { pressed(digit.character, leg) }
            if leg.nextReport <= context.now {
                ControlReports.send(for: leg, context)
                // ±1/8, so that legs opened together do not report together (RFC 3550 §6.2).
                let interval = patience.reports.nanoseconds
                let jitter = Int64.random(in: -interval / 8...interval / 8, using: &generator)
                leg.nextReport = context.now + .nanoseconds(interval + jitter)
            }
            switch leg.transport {
            case .browser(let browser): tick(leg, browser)
            case .trunk(let trunk): tick(leg, trunk)
            }
        }
    }

    private func tick(_ leg: Leg, _ browser: BrowserLeg) {
        if let deadline = browser.dtls.nextDeadline, deadline <= context.now {
            browser.dtls.advance(to: context.now) { datagram in
                guard let path = browser.selected else { return }
                context.queue.send(datagram, through: context.browserSocket, along: path)
            }
            handshakeMoved(leg, browser)
        }
        guard !browser.hasFailed, !browser.lostConsent else { return }
        if context.now - browser.lastCheck >= patience.consent {
            if browser.wasChecked {
                browser.lostConsent = true
                context.emit(.consentLost(leg.identifier))
            } else {
                fail(leg, browser, Self.unreachable)
            }
        } else if browser.srtp == nil, context.now - browser.opened >= patience.connection {
            fail(leg, browser, Self.noHandshake)
        }
    }

    private func tick(_ leg: Leg, _ trunk: TrunkLeg) {
        if let quiet = trunk.alarm(each: patience.silence, now: context.now) {
            context.emit(.nothingHeard(leg.identifier, for: quiet))
        }
        guard leg.isConnected, trunk.audio?.direction.receives == true else {
            trunk.heardSince = nil
            return
        }
        guard let since = trunk.heardSince else {
            trunk.heardSince = context.now
            return
        }
        if !trunk.isSilent, context.now - since >= patience.silence {
            trunk.isSilent = true
            context.emit(.silent(leg.identifier))
        }
    }

    private static let unreachable = Problem(
        code: "media.unreachable", sentence: "Nothing from the browser reached the box's media port for 15 seconds.",
        remedy: "Forward the box's UDP media port in the router in front of it, or open it in the firewall.")
    private static let noHandshake = Problem(
        code: "media.no-handshake",
        sentence: "The browser reached the box's media port but did not start the encrypted connection.",
        remedy: "Reload the page and try again.")
}
