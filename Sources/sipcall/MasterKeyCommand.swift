import ArgumentParser
import WebAPI
import Wire

/// `sipcall change-master-key`: a new master key wraps every key of the ledger, and the former one is thrown away.
struct MasterKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change-master-key", abstract: "Wrap every key of the call records by a new master key.")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        try box.requireRoot(to: "change the master key of")
        let client = OperatorClient(
            path: box.operatorSocket, notRunning: OperatorClient.notRunning(box), patience: .seconds(600))
        _ = try await client.send(OperatorClient.Request("/api/v1/master-key", method: "POST"))
        StandardStream.output.write(line: "Every key of the call records is wrapped by a new master key.")
        StandardStream.output.write(line: "Backups made so far have the former one, and open as before.")
    }
}
