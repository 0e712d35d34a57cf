/// What a number is used for, as far as its price depends on it.
package enum NumberKind: String, Sendable, Codable, CaseIterable {
    /// Fixed lines, and mobile ones where a country does not tell them apart.
    case geographic
    case mobile
    case freephone
    /// Caller and called share the cost: 0180 in Germany, +808.
    case sharedCost
    /// The called earns: 0900, 1-900, 09 and 084/087 in Britain, +979.
    case premium
    /// Follows a person: 0700, 070 in Britain.
    case personal
    case pager
    /// One number for a whole company.
    case companyWide
    case internet
    /// +870, +881: several units a minute.
    case satellite
    /// +882, +883, +878, +888: networks without a country.
    case internationalNetwork

    init?(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "g"): self = .geographic
        case UInt8(ascii: "m"): self = .mobile
        case UInt8(ascii: "f"): self = .freephone
        case UInt8(ascii: "s"): self = .sharedCost
        case UInt8(ascii: "p"): self = .premium
        case UInt8(ascii: "n"): self = .personal
        case UInt8(ascii: "q"): self = .pager
        case UInt8(ascii: "u"): self = .companyWide
        case UInt8(ascii: "v"): self = .internet
        case UInt8(ascii: "x"): self = .satellite
        case UInt8(ascii: "i"): self = .internationalNetwork
        default: return nil
        }
    }

    /// How dear it can be at worst; what a policy looks at.
    package var risk: NumberRisk {
        switch self {
        case .geographic, .mobile, .freephone, .companyWide, .internet: .ordinary
        case .sharedCost, .premium, .personal, .pager: .premium
        case .satellite, .internationalNetwork: .satellite
        }
    }
}

/// Classes of numbers that a box forbids or allows as a whole.
package enum NumberRisk: String, Sendable, Codable, CaseIterable {
    case ordinary
    /// Somebody else sets the price.
    case premium
    /// Satellites and networks of no country.
    case satellite
}
