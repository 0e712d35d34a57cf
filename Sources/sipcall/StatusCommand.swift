import ArgumentParser
import Control
import Foundation
import Logging
import Wire

/// `sipcall status`: what the running box says about itself.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the running box is doing.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() async throws {
        let status = try await read()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(status), as: UTF8.self))
        } else {
            print(Self.text(status))
        }
    }

    private func read() async throws -> BoxStatus {
        let client = ControlClient(
            path: box.controlSocket, logger: Logger(label: "status") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { await client.run() }
        defer { running.cancel() }
        do {
            try await client.connected(within: .seconds(2))
        } catch {
            throw Problem(
                code: "status.not-running", sentence: "No box answers at \(box.controlSocket).",
                remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                    ?? "Start it with: systemctl start sipcall.target (asking it needs root or the group sipcall).")
        }
        guard case .status(let status) = try await client.send(.status) else {
            throw Problem(
                code: "status.other-version", sentence: "The running box is of another version.", remedy: "Restart it.")
        }
        return status
    }

    private static func text(_ status: BoxStatus) -> String {
        let trunk =
            switch status.trunk.state {
            case .none: "No provider is set up; *43, *44 and *45 work."
            case .registering: "\(status.trunk.name): registering."
            case .registered: "\(status.trunk.name): registered" + (status.trunk.expires.map { " for \($0) s." } ?? ".")
            case .failed: "\(status.trunk.name): \(status.trunk.problem?.description ?? "failed.")"
            }
        return """
            SIPCall \(status.version), up \(Duration.seconds(status.uptimeSeconds).formatted(.time(pattern: .hourMinuteSecond)))
            \(trunk)
            Calls \(status.calls), legs \(status.legs), dialogs \(status.dialogs), transactions \(status.transactions)
            Media legs \(status.mediaLegs), sockets \(status.mediaSockets), Opus states \(status.opusStates)
            Descriptors \(status.openDescriptors), threads \(status.threads), memory \(status.residentBytes >> 20) MiB
            """
    }
}
