import ArgumentParser
import Control
import Logging
import Media
import NIOPosix
import SIPTransport
import Settings
import Switchboard
import Systemd
import Wire

/// `sipcall core`: SIP, media and call control. It holds the trunk's password and no log that it could read.
struct CoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core", abstract: "Run the SIP and media process (started by systemd or by sipcall run).")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        try box.prepareState(for: "core")
        let configuration = try box.loadConfiguration()
        let settings = configuration.settings
        let log = Logger(part: "core", verbose: box.verbose)
        let notifier = Notifier()

        let media: MediaEngine
        do {
            media = try MediaEngine.start(settings.mediaConfiguration, logger: log)
        } catch {
            throw configuration.error(error.code.hasPrefix("media.ports") ? "media.ports" : "media.listen", error)
        }
        let transport: SIPTransport
        do {
            transport = try await SIPTransport.open(
                listen: settings.sip.listen, tls: settings.tlsOptions, on: .singletonMultiThreadedEventLoopGroup)
        } catch {
            media.stop()
            throw configuration.error(error.code == "sip.certificate" ? "sip.certificate" : "sip.listen", error)
        }
        let switchboard = Switchboard(
            settings: settings, transport: transport, media: media, version: productVersion,
            figures: ProcessFigures.read, log: log)
        let status = ServiceStatus(notifier) { await switchboard.snapshot() }
        let control = try await ControlServer.start(
            path: box.controlSocket, logger: log,
            handler: { command in
                defer { status.look() }
                return await switchboard.handle(command)
            }, snapshot: { await switchboard.snapshot() })
        let events = Task {
            for await event in switchboard.events {
                control.publish(event)
                status.look()
            }
        }
        log.info(
            "The core is ready.",
            metadata: ["sip": "\(transport.localAddress)", "media": "UDP \(media.browserPort)"])
        let running = Task { await switchboard.run() }
        let telling = Task { await status.run() }
        await Shutdown.requested(with: Lifeline.inherited())
        telling.cancel()
        await telling.value
        notifier.stopping()
        await switchboard.stop()
        running.cancel()
        await running.value
        await events.value
        await control.stop()
        await transport.close()
        media.stop()
        log.info("The core has ended: no call is left and the registration is taken back.")
    }
}

extension BoxSettings {
    var tlsOptions: TLSOptions {
        TLSOptions(
            authorityFile: trunk?.authorityFile,
            identity: sip.certificate.flatMap { certificate in
                sip.key.map { TLSOptions.Identity(certificateFile: certificate, keyFile: $0) }
            })
    }

    var mediaConfiguration: MediaConfiguration {
        MediaConfiguration(
            browserListen: media.listen, trunkListen: sip.listen.host, trunkPorts: media.ports)
    }
}
