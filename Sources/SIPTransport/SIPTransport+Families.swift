import Glibc
import NIOCore
package import Wire

/// The addresses that the box listens on: one of each family.
extension SIPTransport {
    /// What the sockets of the family that is preferred are bound to.
    package var localAddress: NetworkAddress {
        localAddresses.first ?? NetworkAddress(host: .ipv4(0), port: 0)
    }

    /// - Returns: nil for a family that is not spoken here.
    package func localAddress(of family: AddressFamily) -> NetworkAddress? {
        localAddresses.first { $0.family == family }
    }

    package func speaks(_ family: AddressFamily) -> Bool { localAddress(of: family) != nil }

    /// The UDP sockets for everybody, while they are being bound.
    struct Bound {
        var sockets: [AddressFamily: any Channel] = [:]
        var addresses: [NetworkAddress] = []
        var missing: [Problem] = []
        /// Whether all families but the first are asked for by nobody: one whose port another program has is done without, too.
        var isByDefault = false

        /// Binds one more. One that this machine does not have is noted: it may have no IPv6, or not today.
        /// - Throws: why it cannot be, where there is nothing to be done without.
        mutating func add(_ address: NetworkAddress, _ bind: () async throws -> any Channel) async throws {
            // SO_REUSEPORT lets a connected socket share the port, but would also hide that another program has it.
            var errnoCode = LocalAddress.bindErrorCode(udp: address)
            if errnoCode == 0 {
                do {
                    let channel = try await bind()
                    sockets[address.family] = channel
                    guard let place = channel.localAddress.flatMap(NetworkAddress.init) else {
                        throw IOError(errnoCode: EADDRNOTAVAIL, reason: "getsockname")
                    }
                    return addresses.append(place)
                } catch {
                    errnoCode = (error as? IOError)?.errnoCode ?? EIO
                }
            }
            guard sockets[address.family] == nil, isDispensable(address.family, errnoCode) else {
                throw SIPTransport.cannotListen(address, errnoCode: errnoCode)
            }
            note(address, errnoCode)
        }

        /// Gives a family up whose connections cannot be taken: with UDP alone it would be spoken by halves.
        /// - Returns: false where it cannot be done without.
        mutating func giveUp(_ address: NetworkAddress, errnoCode: CInt) async -> Bool {
            guard isTakenFromDefault(address.family, errnoCode) else { return false }
            try? await sockets.removeValue(forKey: address.family)?.close().get()
            addresses.removeAll { $0.family == address.family }
            note(address, errnoCode)
            return true
        }

        private func isDispensable(_ family: AddressFamily, _ errnoCode: CInt) -> Bool {
            errnoCode == EAFNOSUPPORT || errnoCode == EADDRNOTAVAIL || isTakenFromDefault(family, errnoCode)
        }

        /// The first family is never given up: there calls are expected.
        private func isTakenFromDefault(_ family: AddressFamily, _ errnoCode: CInt) -> Bool {
            isByDefault && (errnoCode == EADDRINUSE || errnoCode == EACCES)
                && addresses.first.map { $0.family != family } == true
        }

        private mutating func note(_ address: NetworkAddress, _ errnoCode: CInt) {
            let mend =
                errnoCode == EADDRINUSE
                ? "Where the machine is to speak it, stop that program (ss -lntup shows it) and restart sipcall-core; "
                : "Where the machine is to speak it, give it such an address and restart sipcall-core; "
            missing.append(
                Problem(
                    code: "sip.family-missing",
                    sentence: "SIP is not spoken over \(address.family.rawValue): "
                        + "the box cannot listen on \(address) (\(systemMessage(errnoCode))).",
                    remedy: mend + "else let sip.listen name the other address alone."))
        }
    }
}
