// What the machine's figures mean.

extension Finding {
    /// - Parameters:
    ///   - isSynchronised: as the kernel says (adjtimex(2)); nil if it does not say.
    ///   - year: of the wall clock.
    ///   - errorMilliseconds: by how much the kernel thinks that the clock may be wrong.
    package static func clock(isSynchronised: Bool?, year: Int, errorMilliseconds: Int) -> Finding {
        let remedy = "Let the machine follow a time server: apt install systemd-timesyncd"
        guard (2026...2100).contains(year) else {
            return Finding(.fault, "The clock says that it is the year \(year).", remedy: remedy)
        }
        switch isSynchronised {
        case nil: return Finding(.unchecked, "The kernel does not say whether the clock follows a time server.")
        case false?: return Finding(.warning, "The clock follows no time server.", remedy: remedy)
        case true?:
            return Finding(.ok, "The clock follows a time server, to within \(max(1, errorMilliseconds)) ms.")
        }
    }

    /// The certificate that the page shows.
    package static func certificate(daysLeft: Int) -> Finding {
        let remedy =
            "One from an authority: sudo sipcall certificate renew, or install a newer one. "
            + "The box's own is made anew at a restart: systemctl restart sipcall-web"
        if daysLeft < 0 { return Finding(.fault, "The page's certificate has expired.", remedy: remedy) }
        if daysLeft < 14 {
            return Finding(.warning, "The page's certificate expires in \(daysLeft) days.", remedy: remedy)
        }
        return Finding(.ok, "The page is served over TLS; its certificate is good for \(daysLeft) days.")
    }

    /// The box's own certificate for SIP over TLS, which nobody but its owner renews.
    package static func sipCertificate(daysLeft: Int) -> Finding {
        let remedy = "Renew the file that sip.certificate names, then: systemctl restart sipcall-core"
        if daysLeft < 0 { return Finding(.fault, "The certificate for SIP over TLS has expired.", remedy: remedy) }
        let sentence = "The certificate for SIP over TLS is good for \(daysLeft) days."
        return daysLeft < 14 ? Finding(.warning, sentence, remedy: remedy) : Finding(.ok, sentence)
    }

    package static func memory(availableBytes: Int, totalBytes: Int) -> Finding {
        let sentence = "\(words(bytes: availableBytes)) of \(words(bytes: totalBytes)) are free for programs."
        let remedy = "Stop other programs on this machine, or give it more memory."
        if availableBytes < 32 << 20 { return Finding(.fault, sentence, remedy: remedy) }
        if availableBytes < 96 << 20 { return Finding(.warning, sentence, remedy: remedy) }
        return Finding(.ok, sentence)
    }

    /// - Parameter freeEntries: how many more files there can be; nil where the file system has no such limit.
    package static func disk(freeBytes: Int, freeEntries: Int?, isReadOnly: Bool, directory: String) -> Finding {
        if isReadOnly {
            return Finding(
                .fault, "The file system of \(directory) can only be read.",
                remedy: "Look for disk errors with 'dmesg', then mount it again for writing.")
        }
        let remedy = "Make room: 'du -xh / | sort -h | tail' shows what takes it."
        if let freeEntries, freeEntries < 1000 {
            return Finding(
                .warning, "There is room for only \(freeEntries) more files in \(directory).", remedy: remedy)
        }
        let sentence = "\(words(bytes: freeBytes)) are free in \(directory)."
        if freeBytes < 32 << 20 { return Finding(.fault, sentence, remedy: remedy) }
        if freeBytes < 256 << 20 { return Finding(.warning, sentence, remedy: remedy) }
        return Finding(.ok, sentence)
    }

    /// - Parameters:
    ///   - routes: the text of /proc/net/route.
    ///   - routesIPv6: the text of /proc/net/ipv6_route.
    package static func defaultRoute(routes: String, routesIPv6: String) -> Finding {
        // Iface Destination Gateway Flags RefCnt Use Metric Mask: hexadecimal; the flag 1 is "up".
        let four = routes.split(separator: "\n").dropFirst().contains { line in
            let fields = line.split { $0 == "\t" || $0 == " " }
            return fields.count > 7 && fields[1] == "00000000" && fields[7] == "00000000"
                && (UInt32(fields[3], radix: 16) ?? 0) & 1 == 1
        }
        // Destination, its prefix length, …, flags, interface; 0x200 is "reject".
        let six = routesIPv6.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[0].allSatisfy({ $0 == "0" }), fields[1] == "00", fields[9] != "lo" else {
                return false
            }
            return (UInt32(fields[8], radix: 16) ?? 0x200) & 0x201 == 1
        }
        switch (four, six) {
        case (true, true): return Finding(.ok, "There is a default route for IPv4 and one for IPv6.")
        case (true, false): return Finding(.ok, "There is a default route for IPv4.")
        case (false, true): return Finding(.ok, "There is a default route for IPv6.")
        case (false, false):
            return Finding(
                .warning, "There is no default route: this machine reaches only its own network.",
                remedy: "Check the cable and the gateway: ip route")
        }
    }
}
