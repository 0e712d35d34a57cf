// A release build finds the kinds of sockets only there.
import CLinux
import Glibc
import NIOPosix
package import Wire

/// Names to addresses, by the system's resolver on a thread of its own.
package enum NameLookup {
    /// - Parameter name: a host name or a numeric address, IPv6 in brackets or bare.
    /// - Returns: the addresses in the system's order of preference (RFC 6724), IPv4 first among equals.
    /// - Throws: `sip.name-unknown`, or `sip.name-lookup-failed` when no name server answered.
    package static func addresses(of name: String, port: UInt16) async throws(Problem) -> [NetworkAddress] {
        if let address = NetworkAddress(name, port: port) { return [address] }
        let outcome: Result<[NetworkAddress], Problem>
        do {
            outcome = try await NIOThreadPool.singleton.runIfActive { lookUp(name, port: port) }
        } catch {
            outcome = .failure(failed)
        }
        return try outcome.get()
    }

    package static let failed = Problem(
        code: "sip.name-lookup-failed", sentence: "No name server answered when the provider's name was looked up.",
        remedy: "Check the box's Internet connection and its name servers in /etc/resolv.conf.")

    package static let unknown = Problem(
        code: "sip.name-unknown", sentence: "The provider's name does not exist in the DNS.",
        remedy: "Check trunk.server for a typing mistake.")

    private static func lookUp(_ name: String, port: UInt16) -> Result<[NetworkAddress], Problem> {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0 else {
            guard code == EAI_NONAME || code == -5 else { return .failure(failed) }
            return .failure(unknown)
        }
        var addresses: [NetworkAddress] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            var storage = sockaddr_storage()
            let size = min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            guard let source = entry.pointee.ai_addr else { continue }
            withUnsafeMutableBytes(of: &storage) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: size))
            }
            if var address = NetworkAddress(storage) {
                address.port = port
                if !addresses.contains(address) { addresses.append(address) }
            }
        }
        return addresses.isEmpty ? .failure(failed) : .success(addresses)
    }
}
