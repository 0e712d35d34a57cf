// DemoCarrier: plays a telephone provider, so that a box can be tried without one.
//
// In the room: a registrar for one user, numbers that answer, ring, refuse or call back, and the sound that they make.
// The calls themselves are made by the same user agent as the box's; nothing here is part of the box, and no test of
// interoperability uses it: those ask peers that nobody here wrote.
// Never in the room: anything that the box needs.
// RFC 3261 §10.3 (registrar), RFC 7616 (digest), RFC 3550 and 4733 (sound and keys).
import ArgumentParser
import Glibc
import NIOPosix
import SIPTransport
import Wire

@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-carrier", abstract: "Plays a telephone provider, for trying out a box.")

    @Option(help: "Where to listen for SIP over UDP, as ADDRESS:PORT. Default: 127.0.0.1:5070.", transform: address)
    var listen = NetworkAddress(host: .ipv4(0x7f00_0001), port: 5070)

    @Option(help: "The one user who may register and call.")
    var user: String

    @Option(help: "The user's password.")
    var password: String

    @Option(help: "What a caller hears: a WAV file, 8 kHz, mono, 16 bits.", transform: Prompt.init(file:))
    var greeting: Prompt

    @Option(help: "Call the user, once, so many seconds after the first registration.", transform: seconds)
    var callAfter: Duration?

    func validate() throws {
        guard !user.isEmpty else { throw ValidationError("--user: the name is empty.") }
    }

    func run() async throws {
        // Before anything can be bound: a signal during the start ends the program in order, too.
        let termination = Termination()
        let transport = try await SIPTransport.open(listen: listen, on: .singletonMultiThreadedEventLoopGroup)
        let carrier = Carrier(
            transport: transport, user: user, password: Redacted(password), greeting: greeting, callAfter: callAfter)
        Self.say(
            """
            demo-carrier listens on UDP \(transport.localAddress) for the user "\(user)".
            \(Service.table)
            """)
        let running = Task { await carrier.run() }
        await termination.requested()
        await carrier.stop()
        running.cancel()
        await running.value
        await transport.close()
        Self.say("demo-carrier has ended; no call is left.")
    }

    /// Tells the person at the terminal, or the file that the output goes to, at once and in whole lines.
    static func say(_ text: String) {
        write("\(text)\n", to: STDOUT_FILENO)
    }
}

extension Program {
    /// Runs the command and turns every error into one sentence and an exit code: 1, or 2 for a wrong command line.
    static func main() async {
        // A reader of the output that goes away must not end the calls.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let problem as Problem {
            fail("demo-carrier: \(problem)", status: 1)
        } catch {
            let text = fullMessage(for: error)
            guard !exitCode(for: error).isSuccess else {
                say(text)
                return
            }
            fail(text, status: 2)
        }
    }

    private static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }

    private static func fail(_ text: String, status: CInt) -> Never {
        write("\(text)\n", to: STDERR_FILENO)
        Glibc.exit(status)
    }

    @Sendable private static func address(_ text: String) throws -> NetworkAddress {
        guard let address = NetworkAddress(hostAndPort: text), address.port != 0 else {
            throw ValidationError("\"\(text)\" is no numeric address with a port, such as 127.0.0.1:5070.")
        }
        return address
    }

    @Sendable private static func seconds(_ text: String) throws -> Duration {
        guard let seconds = Int(text), (0...86_400).contains(seconds) else {
            throw ValidationError("\"\(text)\" is no number of seconds from 0 to 86400.")
        }
        return .seconds(seconds)
    }
}
