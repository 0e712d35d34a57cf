import Appliance
import Console
import Control
import Synchronization
import Testing
import Wire

@Suite("The doctor's checks")
struct CheckTests {
    @Test("run side by side, and one that does not come back is left behind")
    func deadline() async {
        let waiting = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let checks = [
            Check("slow", "Slow", deadline: .milliseconds(200)) {
                // As a name server that never answers: cancelling it is of no use.
                await withCheckedContinuation { continuation in waiting.withLock { $0 = continuation } }
                return Finding(.ok, "Too late.")
            },
            Check("quick", "Quick") { Finding(.fault, "Broken.", remedy: "Mend it.") },
        ]
        let results = await Examination.examine(checks)
        waiting.withLock { $0 }?.resume()
        #expect(results.map(\.check) == ["slow", "quick"])
        #expect(results.map(\.verdict) == [.unchecked, .fault])
        #expect(DoctorReport(version: "1", results: results).hasFault)
        #expect(results[1].lines(Style(isColoured: false)).last?.hasSuffix("Mend it.") == true)
    }
}

@Suite("What the doctor's figures mean")
struct FindingTests {
    @Test("a clock that follows nobody is a warning, one of another time a fault")
    func clock() {
        #expect(Finding.clock(isSynchronised: true, year: 2026, errorMilliseconds: 0).verdict == .ok)
        #expect(Finding.clock(isSynchronised: false, year: 2026, errorMilliseconds: 0).verdict == .warning)
        #expect(Finding.clock(isSynchronised: nil, year: 2026, errorMilliseconds: 0).verdict == .unchecked)
        #expect(Finding.clock(isSynchronised: true, year: 1970, errorMilliseconds: 0).verdict == .fault)
    }

    @Test("a certificate about to expire is a warning, an expired one a fault")
    func certificate() {
        #expect(Finding.certificate(daysLeft: 400).verdict == .ok)
        #expect(Finding.certificate(daysLeft: 13).verdict == .warning)
        #expect(Finding.certificate(daysLeft: -1).verdict == .fault)
    }

    @Test(
        "little memory and a full or read-only disk",
        arguments: [(20, Finding.Verdict.fault), (64, .warning), (300, .ok)])
    func memoryAndDisk(mebibytes: Int, verdict: Finding.Verdict) {
        #expect(Finding.memory(availableBytes: mebibytes << 20, totalBytes: 1 << 30).verdict == verdict)
        #expect(
            Finding.disk(freeBytes: mebibytes << 20, freeEntries: nil, isReadOnly: false, directory: "/x").verdict
                == verdict)
        #expect(
            Finding.disk(freeBytes: 1 << 40, freeEntries: 9, isReadOnly: false, directory: "/x").verdict == .warning)
        #expect(Finding.disk(freeBytes: 1 << 40, freeEntries: 9, isReadOnly: true, directory: "/x").verdict == .fault)
    }

    @Test("default routes are found in the kernel's tables, a way that rejects is none")
    func routes() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        let four = head + "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        let net = head + "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        let zero = String(repeating: "0", count: 32)
        let six = "\(zero) 00 \(zero) 00 fe80\(zero.dropFirst(4)) 00000400 00000001 00000000 00000003 eth0\n"
        let reject = "\(zero) 00 \(zero) 00 \(zero) ffffffff 00000001 00000000 00200200 lo\n"
        #expect(Finding.defaultRoute(routes: four, routesIPv6: six).sentence.contains("IPv6"))
        #expect(Finding.defaultRoute(routes: four, routesIPv6: reject).verdict == .ok)
        #expect(Finding.defaultRoute(routes: net, routesIPv6: reject).verdict == .warning)
        #expect(Finding.defaultRoute(routes: "junk", routesIPv6: "junk x y").verdict == .warning)
    }

    @Test("Of several providers the worst is told by name; whoever answers calls only is well")
    func providers() {
        var (good, bad) = (ProviderReport(name: "One"), ProviderReport(name: "Two"))
        good.status = 200
        bad.problem = Problem(code: "trunk.no-reply", sentence: "The provider does not reply.")
        #expect(Finding.answers([good]).sentence == "The provider answered OPTIONS with 200.")
        #expect(Finding.answers([good, bad]).verdict == .fault)
        #expect(Finding.answers([good, bad]).sentence.hasPrefix("Two: "))
        bad.answersCalls = true
        #expect(Finding.answers([good, bad]).verdict == .ok)
        #expect(Finding.answers([]).verdict == .unchecked)
    }

    @Test("NAT is seen, and whether the settings know of it")
    func publicAddress() {
        let own = NetworkAddress("10.0.0.5", port: 5060)
        let seen = NetworkAddress("203.0.113.7", port: 61_000)
        #expect(Finding.publicAddress(ProviderReport(name: "Telnyx", local: own)).verdict == .unchecked)
        #expect(Finding.publicAddress(ProviderReport(name: "Telnyx", local: own, seenAt: own)).verdict == .ok)
        let behind = Finding.publicAddress(ProviderReport(name: "Telnyx", local: own, seenAt: seen))
        #expect(behind.verdict == .warning && behind.remedy.contains("203.0.113.7"))
        #expect(
            Finding.publicAddress(ProviderReport(name: "Telnyx", local: own, seenAt: seen, advertised: seen?.host))
                .verdict == .ok)
        #expect(
            Finding.publicAddress(ProviderReport(name: "Telnyx", local: own, seenAt: seen, advertised: own?.host))
                .verdict == .warning)
    }

    @Test("ports: the box's, another's, nobody's")
    func ports() {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               1: 00000000:13C4 0200090A:13C4 01 00000000:00000000 00:00000000 00000000     0        0 4711 2 0 0
               2: 00000000:0D96 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0 0
              junk
            """
        let table = SocketTable([text], states: [7, 1])
        #expect(table.sockets(on: 5060) == [4711] && table.sockets(on: 3478) == [4712] && table.sockets(on: 1).isEmpty)
        func verdict(_ sockets: Int, _ owners: Set<String>, _ isRunning: Bool) -> Finding.Verdict {
            Finding.port("UDP 5060", sockets: sockets, owners: owners, isRunning: isRunning).verdict
        }
        #expect(verdict(1, ["sipcall"], true) == .ok)
        #expect(verdict(1, ["sipcall", "systemd"], true) == .ok)
        #expect(verdict(1, [], true) == .ok)
        #expect(verdict(1, ["asterisk"], false) == .fault)
        #expect(verdict(0, [], true) == .fault)
        #expect(verdict(0, [], false) == .unchecked)
        #expect(verdict(1, [], false) == .warning)
    }

    @Test("units: failed, stopped, restarted, not there")
    func units() {
        func verdict(_ active: String, restarts: Int = 0, load: String = "loaded") -> Finding.Verdict {
            let text =
                "Id=sipcall-core.service\nLoadState=\(load)\nActiveState=\(active)\nNRestarts=\(restarts)\n\nId=x"
            return Finding.units(UnitState.units(in: text)).verdict
        }
        #expect(verdict("active") == .ok)
        #expect(verdict("active", restarts: 3) == .warning)
        #expect(verdict("failed") == .fault)
        #expect(verdict("inactive") == .fault)
        #expect(verdict("active", load: "not-found") == .unchecked)
        let socket =
            "LoadState=loaded\nActiveState=active\n\nId=sipcall-web.socket\nLoadState=loaded\nActiveState=failed"
        let finding = Finding.units(UnitState.units(in: "Id=sipcall-web.service\n\(socket)"))
        #expect(finding.verdict == .warning && finding.sentence.contains("sipcall-web.socket"))
    }

    @Test("crashes: each with its time, signal, hung part, version and file; old ones count no more")
    func crashes() throws {
        let report = { (time: String, hung: String) in
            try decode(
                """
                {"time": "\(time)", "part": "core", "version": "0.1.0", "result": "watchdog", "end": "SIGABRT",
                 "uptimeSeconds": 11000, "activity": "registered, 2 calls", "hungPart": "\(hung)", "threads": [],
                 "images": []}
                """) as CrashReport
        }
        let reports = [
            (file: "/c/1.json", report: try report("2026-11-20T08:15:30Z", "storage")),
            (file: "/c/2.json", report: try report("2026-11-22T08:15:30Z", "media loop 0")),
            (file: "/c/0.json", report: try report("2026-11-01T08:15:30Z", "switchboard")),
        ]
        let finding = Finding.crashes(reports, since: "2026-11-15T00:00:00", isHidden: false)
        #expect(finding.verdict == .warning && finding.sentence.contains("times: 2."))
        #expect(
            finding.details.first
                == "2026-11-22T08:15:30Z: sipcall-core ended by SIGABRT after 3 h, because its media loop 0 no longer "
                + "answered; watchdog, version 0.1.0, registered, 2 calls, /c/2.json")
        #expect(finding.details.count == 2 && finding.details.last?.hasSuffix("/c/1.json") == true)
        #expect(Finding.crashes(reports, since: "2026-11-23T00:00:00", isHidden: false).verdict == .ok)
        #expect(Finding.crashes([], since: "2026-11-23T00:00:00", isHidden: true).verdict == .unchecked)
    }

    @Test("keys: there, missing, and readable by others")
    func keys() {
        func verdict(
            sealing: KeyFile = .present(mode: 0o600), master: KeyFile = .present(mode: 0o600),
            credential: UInt32? = nil,
            hasLedger: Bool? = true
        ) -> Finding.Verdict {
            Finding.keys(
                sealing: sealing, master: master,
                credential: credential.map { (path: "/etc/credstore/x", file: .present(mode: $0)) },
                hasLedger: hasLedger
            ).verdict
        }
        #expect(verdict() == .ok)
        #expect(verdict(master: .missing) == .fault)
        #expect(verdict(master: .missing, hasLedger: false) == .warning)
        #expect(verdict(master: .missing, credential: 0o600) == .ok)
        #expect(verdict(master: .missing, credential: 0o644) == .fault)
        #expect(verdict(master: .present(mode: 0o640)) == .fault)
        #expect(verdict(master: .hidden) == .unchecked)
        #expect(verdict(sealing: .missing) == .warning)
        #expect(verdict(sealing: .hidden) == .unchecked)
        #expect(verdict(sealing: .present(mode: 0o666)) == .fault)
    }

    @Test("the certificate for SIP over TLS: good, about to expire, expired")
    func sipCertificate() {
        #expect(Finding.sipCertificate(daysLeft: 90).verdict == .ok)
        #expect(Finding.sipCertificate(daysLeft: 13).verdict == .warning)
        #expect(Finding.sipCertificate(daysLeft: -1).verdict == .fault)
    }
}
