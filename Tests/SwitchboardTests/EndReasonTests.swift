import Call
import Foundation
import SIP
import SIPTransport
import Testing
import Wire

@testable import Switchboard

@Suite("Why a call ended: one plain reason for each way")
struct EndReasonTests {
    /// The registry of IANA, without those that are for other methods alone.
    private static let table: [(ClosedRange<Int>, EndReason)] = [
        (300...305, .redirected), (380...380, .redirected), (400...400, .notUnderstood), (401...401, .passwordWrong),
        (402...402, .creditExhausted), (403...403, .notPermitted), (404...404, .wrongNumber),
        (405...405, .notUnderstood), (406...406, .noCommonCodec), (407...407, .passwordWrong),
        (408...408, .notAnswered), (410...410, .numberGone), (411...412, .notUnderstood), (413...413, .requestTooLarge),
        (414...414, .wrongNumber), (415...415, .noCommonCodec), (416...416, .wrongNumber), (417...417, .notUnderstood),
        (420...424, .notUnderstood), (425...425, .callerIDRefused), (428...428, .callerIDRefused),
        (429...429, .providerOverloaded), (430...430, .unavailable), (433...433, .anonymousRefused),
        (436...438, .callerIDRefused), (439...439, .notUnderstood), (440...440, .loop), (469...469, .notUnderstood),
        (470...470, .notPermitted), (480...480, .unavailable), (481...481, .providerFault), (482...483, .loop),
        (484...485, .numberIncomplete), (486...486, .busy), (487...487, .notAnswered), (488...488, .noCommonCodec),
        (489...489, .notUnderstood), (491...491, .providerFault), (493...494, .notUnderstood),
        (500...500, .providerFault), (501...501, .notUnderstood), (502...502, .providerFault),
        (503...503, .providerOverloaded), (504...504, .providerFault), (505...505, .notUnderstood),
        (513...513, .requestTooLarge), (555...555, .providerFault), (580...580, .providerFault), (600...600, .busy),
        (603...603, .declined), (604...604, .wrongNumber), (606...606, .noCommonCodec), (607...607, .unwanted),
        (608...608, .blocked),
    ]

    @Test("each status from 300 to 699 has its reason; unknown ones have that of their class")
    func statuses() {
        for status in 300...699 {
            let known = Self.table.first { $0.0.contains(status) }?.1
            let ofClass: EndReason =
                switch status {
                case ..<400: .redirected
                case ..<500: .providerRefused
                case ..<600: .providerFault
                default: .declined
                }
            #expect(EndReason(.rejected(status: status, reason: "x")) == known ?? ofClass, "\(status)")
        }
    }

    @Test("timeout, network, TLS and a lost acknowledgement have reasons of their own, which name the transport")
    func others() {
        #expect(EndReason(.noReply) == .providerSilent)
        #expect(EndReason(.unreachable) == .providerUnreachable)
        #expect(EndReason(.unreachable, network: Switchboard.noRoute) == .noNetwork)
        #expect(EndReason(.unreachable, network: NameLookup.unknown) == .providerNameUnknown)
        #expect(EndReason(.unreachable, network: NameLookup.failed) == .nameServersSilent)
        for code in ["trunk.certificate-expired", "trunk.certificate-name", "trunk.tls-failed", "trunk.authority-file"]
        {
            #expect(
                EndReason(.unreachable, over: .tls, network: Problem(code: code, sentence: "."))
                    == .connectionUntrusted)
        }
        #expect(EndReason(.protocolError) == .providerUnclear)
        for end in [LegEnd.acknowledgementMissing, .acknowledgementUnheard] {
            let (datagrams, stream) = (EndReason(end, over: .udp), EndReason(end, over: .tcp))
            #expect(datagrams.sentence.contains("UDP") && datagrams.remedy.contains("TCP"))
            #expect(stream == EndReason(end, over: .tls))
            #expect(stream != datagrams && stream.sentence.contains("TCP"))
        }
    }

    @Test("each reason and each refusal has a sentence here and a German one on the page, a remedy unless all is well")
    func texts() throws {
        let package = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let german = try String(
            contentsOf: package.appending(path: "rootfs/usr/share/sipcall/www/language/de.js"), encoding: .utf8)
        let fine: Set<EndReason> = [
            .hungUpHere, .hungUpThere, .declined, .cancelled, .answeredElsewhere, .forwarded, .browserGone,
            .transferred,
            .replaced,
        ]
        for problem in EndReason.allCases.map(\.problem) + DiallingRefusal.allCases.map(\.problem) {
            #expect(problem.sentence.hasSuffix(".") && problem.sentence.split(separator: " ").count >= 3)
            let isFine = EndReason(rawValue: problem.code).map(fine.contains) ?? false
            #expect(isFine || problem.remedy.hasSuffix("."), "\(problem.code)")
            #expect(german.contains("  '\(problem.code)': '"), "\(problem.code)")
        }
    }
}
