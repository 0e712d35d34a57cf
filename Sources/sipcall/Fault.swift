// Faults on purpose, so that tests can see a hung part being noticed, named and recovered. A release build has none of it.
#if DEBUG
    import ArgumentParser
    import Control
    import Glibc
    import Ledger
    import Logging
    import Media
    import SIPTransport
    import Supervision
    import Switchboard
    import Wire

    /// `sipcall fault PART`: lets a part of the running core hang for good.
    struct FaultCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fault", abstract: "Let a part of the running core hang (debug builds only).",
            shouldDisplay: false)

        @OptionGroup var box: BoxOptions

        @Argument(help: "sip, media, switchboard, storage or callLog.")
        var part: String

        func run() async throws {
            guard CorePart(name: part) != nil else {
                throw ValidationError(
                    "This part cannot be wedged: \(part). Known: sip, media, switchboard, storage, callLog.")
            }
            _ = try await CoreConnection.with(box) { try await $0.client.send(.fault(part: part)) }
        }
    }

    extension CorePart {
        /// - Returns: nil for a part that waits for nothing, and so cannot hang.
        init?(name: String) {
            guard let part = Self.allCases.first(where: { "\($0)" == name }), part != .clock else { return nil }
            self = part
        }
    }

    extension CoreDesk {
        /// The reply leaves first: a moment later there may be nobody left to send it.
        func fault(_ name: String) async -> ControlReply {
            guard let part = CorePart(name: name) else { return await parts.switchboard.handle(.fault(part: name)) }
            log.warning(
                "A fault on purpose: this part hangs from now on.",
                metadata: ["code": "box.fault-on-purpose", "part": "\(part.rawValue)"])
            let parts = parts
            Task {
                try? await Task.sleep(for: .milliseconds(100))
                switch part {
                case .sip: parts.transport.wedge()
                case .media: parts.media.probe { while true { sleep(60) } }
                case .switchboard: await parts.switchboard.wedge()
                case .storage: parts.storage.wedge()
                case .callLog: await parts.callLog.wedge()
                case .clock: break
                }
            }
            return .done
        }
    }
#endif
