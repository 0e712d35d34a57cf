import Glibc
package import NIOCore
package import Wire

extension SocketAddress {
    package init(_ address: NetworkAddress) {
        let (storage, _) = address.socketAddress()
        self = withUnsafeBytes(of: storage) { bytes in
            address.isIPv6
                ? SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
                : SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
        }
    }
}

extension NetworkAddress {
    /// - Returns: nil for a Unix-domain address.
    package init?(_ address: SocketAddress) {
        var storage = sockaddr_storage()
        switch address {
        case .v4(let four):
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four.address, as: sockaddr_in.self) }
        case .v6(let six):
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six.address, as: sockaddr_in6.self) }
        case .unixDomainSocket: return nil
        }
        self.init(storage)
    }
}
