import FoundationEssentials
import Glibc
import Logging
import NIOSSL
import Synchronization
import Wire

/// The certificate that new connections of the page get: the given one where there is one, else the box's own.
///
/// It is replaced while connections go on; those that exist keep theirs.
final class ServedCertificate: Sendable {
    private struct Given {
        var certificate: GivenCertificate
        var context: NIOSSLContext
        var isVouchedFor: Bool
    }

    /// From here on its end is told every day: whoever renews it has had two weeks already.
    private static let warning = 14 * 86_400.0
    private static let warnedEvery = 86_400.0
    private static let checkedEvery = Duration.seconds(600)

    private let own: OwnCertificate
    private let path: String
    private let logger: Logger
    private let given: Mutex<Given?>
    private let warned = Mutex<Date?>(nil)
    /// Of those who change it.
    private let turn = Mutex(())

    /// Reads the given certificate, and the box's own, or makes that.
    /// - Throws: `web.certificate-file`.
    init(in stateDirectory: String, logger: Logger) throws(Problem) {
        own = try OwnCertificate(in: stateDirectory, logger: logger)
        path = stateDirectory + "/web/tls/given.pem"
        self.logger = logger
        given = Mutex(Self.read(path, logger))
    }

    /// For one connection.
    var context: NIOSSLContext { given.withLock { $0?.context } ?? own.context }

    /// An authority that browsers know vouches for it: the page may tell them to insist on TLS from now on.
    var isVouchedFor: Bool { given.withLock { $0?.isVouchedFor } ?? false }

    /// nil while it is the box's own.
    var certificate: GivenCertificate? { given.withLock { $0?.certificate } }

    /// Of the one that is served.
    var fingerprint: String { certificate?.fingerprint ?? own.fingerprint }

    /// Of the one that is served.
    var end: Date { certificate?.end ?? own.end }

    /// Serves it from now on, and after every start.
    /// - Throws: `web.certificate-file`; the former one is served on.
    func use(_ certificate: GivenCertificate) async throws(Problem) {
        let isVouchedFor = await certificate.isVouchedFor()
        do {
            let context = try certificate.context()
            let kept = try certificate.kept()
            // Of two at once one is the last, on the disk and in memory.
            try turn.withLock { _ in
                try PrivateFile.write(kept, to: path)
                given.withLock { $0 = Given(certificate: certificate, context: context, isVouchedFor: isVouchedFor) }
            }
        } catch {
            throw WebProblem.certificateFile(path, why: "\(error)")
        }
        warned.withLock { $0 = nil }
        logger.notice(
            "The page has a certificate that was given to it.",
            metadata: ["sha256": "\(certificate.fingerprint)", "issuer": "\(certificate.issuer)"])
    }

    /// Goes back to the box's own.
    /// - Throws: `web.certificate-file`.
    func removeGiven() throws(Problem) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw WebProblem.certificateFile(path, why: "\(SystemFailure(errno))")
        }
        given.withLock { $0 = nil }
        logger.notice("The page is back to the certificate of its own.")
    }

    /// Looks after it until the task is cancelled.
    func keepValid() async {
        if let certificate { await judge(certificate) }
        while !Task.isCancelled {
            warnOfEnd()
            try? await Task.sleep(for: Self.checkedEvery)
            own.renew()
        }
    }

    /// Who vouches for one that was read at the start is found out afterwards: no visitor waits for it.
    private func judge(_ certificate: GivenCertificate) async {
        let isVouchedFor = await certificate.isVouchedFor()
        given.withLock { given in
            guard given?.certificate.fingerprint == certificate.fingerprint else { return }
            given?.isVouchedFor = isVouchedFor
        }
    }

    private func warnOfEnd(now: Date = .now) {
        guard let certificate, certificate.end.timeIntervalSince(now) < Self.warning else { return }
        let isDue = warned.withLock { last in
            guard now.timeIntervalSince(last ?? .distantPast) >= Self.warnedEvery else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let days = Int(max(-9999, min(9999, (certificate.end.timeIntervalSince(now) / 86_400).rounded(.down))))
        logger.warning(
            days < 0 ? "The page's certificate has expired." : "The page's certificate expires in \(days) days.",
            metadata: ["code": "certificate.ends-soon"])
    }

    private static func read(_ path: String, _ logger: Logger) -> Given? {
        guard access(path, F_OK) == 0 else { return nil }
        do {
            guard let data = FileManager.default.contents(atPath: path), data.count <= 2 * GivenCertificate.largest,
                let text = String(data: data, encoding: .utf8)
            else { throw CertificateProblem.notPEM }
            let certificate = try GivenCertificate(kept: text)
            return Given(certificate: certificate, context: try certificate.context(), isVouchedFor: false)
        } catch {
            logger.warning(
                "The certificate that was given to the page cannot be read; its own one is served until it is given again.",
                metadata: ["code": "certificate.given-damaged", "file": "\(path)"])
            return nil
        }
    }
}
