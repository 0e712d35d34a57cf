import WebAPI
import Wire

/// A command's way to the web process of the running box.
extension OperatorClient {
    init(_ box: BoxOptions) {
        self.init(path: box.operatorSocket, notRunning: Self.notRunning(box))
    }

    static func notRunning(_ box: BoxOptions) -> Problem {
        Problem(
            code: "web.not-running", sentence: "The web process of the box does not answer at \(box.operatorSocket).",
            remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                ?? "Start it with: systemctl start sipcall-web (asking it needs root or the group sipcall).")
    }
}
