import Appliance
import ArgumentParser
import Control
import Ledger
import Logging
import Media
import NIOPosix
import SIPTransport
import Settings
import Supervision
import Switchboard
import Systemd
import Wire

/// `sipcall core`: SIP, media and call control. It holds the trunk's password and no log that it could read.
struct CoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core", abstract: "Run the SIP and media process (started by systemd or by sipcall run).")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        FatalSignals.endTheProcess()
        try box.prepareState(for: "core")
        let log = Logger(part: "core", verbose: box.verbose)
        let note = box.noteRunning(part: "core", log: log)
        let schema = StateSchema(part: "core", of: box)
        try schema.prepare(log)
        var configuration = try box.loadConfiguration()
        let notifier = Notifier()
        let claim = ClaimMark(state: box.stateDirectory)
        if claim.isThere {
            claim.leaveBesideSpool()
        } else {
            let unclaimed = UnclaimedCore(
                box: box, notifier: notifier, note: note, whenReady: { schema.serves(log) }, log: log)
            guard try await unclaimed.wait() else { return }
            // It may have been written meanwhile.
            configuration = try box.loadConfiguration()
        }
        let keeper = SettingsKeeper(box, log: log)
        let settings = await keeper.begin(configuration)

        let storage = try StorageProbe.start(directory: "\(box.stateDirectory)/core")
        let media: MediaEngine
        do {
            media = try MediaEngine.start(settings.mediaConfiguration, logger: log)
        } catch {
            throw configuration.error(error.code.hasPrefix("media.ports") ? "media.ports" : "media.listen", error)
        }
        let transport: SIPTransport
        do {
            transport = try await SIPTransport.open(
                listen: settings.sip.listen, isByDefault: !settings.sip.isListenNamed, tls: settings.tlsOptions,
                on: .singletonMultiThreadedEventLoopGroup)
        } catch {
            media.stop()
            throw configuration.error(error.code == "sip.certificate" ? "sip.certificate" : "sip.listen", error)
        }
        for problem in transport.missing {
            log.notice("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
        }
        let providers = MeasuredProviders(state: box.stateDirectory)
        let (recordsWait, whenWaiting) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let callLog = CallLogger(
            directory: "\(box.stateDirectory)/core", box: BoxName.known(in: "\(box.stateDirectory)/core"),
            zone: TimeZoneName.now,
            notice: { log.warning("\($0.sentence) \($0.remedy)", metadata: ["code": "\($0.code)"]) },
            whenWaiting: { whenWaiting.yield() })
        callLog.keep(CallPrivacy(settings.ledger.farNumbers))
        let switchboard = Switchboard(
            settings: settings, transport: transport, media: media, version: productVersion,
            measured: providers.read(), remember: providers.write, keep: { callLog.take($0) },
            figures: ProcessFigures.read, log: log)
        let parts = CoreParts(
            switchboard: switchboard, transport: transport, media: media, storage: storage, callLog: callLog,
            clock: ClockProbe { problem in
                log.notice("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
            })
        let watchdog = parts.watchdog(notifier)
        let status = ServiceStatus(
            notifier, note: note,
            whenReady: {
                schema.serves(log)
                log.info(
                    "The core is ready.",
                    metadata: [
                        "event": "box.ready",
                        "sip": "\(transport.localAddresses.map(\.description).joined(separator: ", "))",
                        "media": "UDP \(media.browserPort)",
                    ])
            },
            degraded: { watchdog.degraded }, isStorageSettled: { callLog.isSettled },
            snapshot: { await switchboard.snapshot() })
        let desk = CoreDesk(
            parts: parts, keeper: keeper, watchdog: watchdog, status: status, notifier: notifier, log: log)
        let control = try await ControlServer.start(
            path: box.controlSocket, webPath: box.webSocket, logger: log, on: transport.loop,
            handler: { await desk.handle($0) }, snapshot: { await switchboard.snapshot() })
        let events = Task(executorPreference: LoopExecutor(transport.loop)) {
            for await event in switchboard.events {
                control.publish(event)
                status.look()
            }
        }
        // Not waited for here: a disk that does not answer keeps nobody from calling.
        Task {
            await callLog.open()
            status.look()
        }
        let logging = Task { await callLog.run() }
        let announcing = Task { for await _ in recordsWait { control.publish(.recordsWait) } }
        // What waits for the next input of the loop waits on the loop, and wakes no other thread.
        let running = Task(executorPreference: LoopExecutor(transport.loop)) { await switchboard.run() }
        let addresses = AddressWatch()
        if addresses == nil {
            log.warning(
                "The kernel tells nothing about changes of addresses; a registration may lag behind one.",
                metadata: ["code": "box.addresses-unwatched"])
        }
        let following = Task {
            guard let addresses else { return }
            for await _ in addresses.changes { await switchboard.networkChanged() }
        }
        let telling = Task { await status.run() }
        try watchdog.start { news in
            log.report(news)
            note.follow(news)
            status.look()
        }
        status.look()
        await Shutdown.requested(with: Lifeline.inherited())
        EndingLimit.begin(log)
        telling.cancel()
        await telling.value
        notifier.stopping()
        // Not waited for: it may be looking a name up, and the calls are to hear BYE now.
        addresses?.stop()
        following.cancel()
        await switchboard.stop()
        running.cancel()
        await running.value
        await events.value
        logging.cancel()
        await logging.value
        await callLog.stop()
        whenWaiting.finish()
        await announcing.value
        await control.stop()
        watchdog.stop()
        await transport.close()
        media.stop()
        log.info("The core has ended: no call is left and the registration is taken back.")
    }
}

extension BoxSettings {
    var tlsOptions: TLSOptions {
        TLSOptions(
            authorityFiles: authorityFiles,
            identity: sip.certificate.flatMap { certificate in
                sip.key.map { TLSOptions.Identity(certificateFile: certificate, keyFile: $0) }
            })
    }

    var mediaConfiguration: MediaConfiguration {
        MediaConfiguration(
            browserListen: media.listen, trunkListen: sip.listen.map(\.host), trunkPorts: media.ports)
    }
}
