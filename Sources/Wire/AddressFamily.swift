/// Which of the two Internets an address belongs to: a socket speaks to one of them.
package enum AddressFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case ipv4 = "IPv4"
    case ipv6 = "IPv6"
}

extension NetworkAddress.Host {
    package var family: AddressFamily {
        switch self {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        }
    }
}

extension NetworkAddress {
    package var family: AddressFamily { host.family }
}

extension Sequence {
    /// The same elements, those of one family before the others, and each family in the order in which it stood.
    package func sorted(first family: AddressFamily?, by familyOf: (Element) -> AddressFamily) -> [Element] {
        filter { familyOf($0) == family } + filter { familyOf($0) != family }
    }
}
