// swift-tools-version: 6.2
// The house plan. A room is a target; arrows point down the levels only (README.md tells why).

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(of name: String, _ more: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + more, swiftSettings: strict)
}

extension Target.Dependency {
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = product(name: "CryptoExtras", package: "swift-crypto")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioWebSocket = product(name: "NIOWebSocket", package: "swift-nio")
    static let x509 = product(name: "X509", package: "swift-certificates")
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let logging = product(name: "Logging", package: "swift-log")
    static let arguments = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let signals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let jwt = product(name: "JWTKit", package: "jwt-kit")
    static let toml = product(name: "TOMLKit", package: "TOMLKit")
}

let package = Package(
    name: "sipcall",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "sipcall", targets: ["sipcall"]),
        .executable(name: "demo-carrier", targets: ["DemoCarrier"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // 0: C libraries
        .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
        .systemLibrary(name: "COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "CShims", dependencies: ["COpus", "COpenSSL"]),

        // 1: the wire
        room("Wire"),

        // 2: codecs of single protocols
        room("SIPMessage", ["Wire"]),
        room("SDP", ["Wire"]),
        room("ICE", ["Wire", .crypto]),
        room("RTP", ["Wire"]),
        room("Audio"),
        room("Numbering"),
        room("Settings", ["Numbering", "Wire", .toml]),

        // 3: protocol machines and C libraries made safe
        room("SIP", ["SIPMessage", "Wire", .crypto]),
        room("Call", ["SDP", "Settings", "Numbering", "Wire"]),
        room("SIPTrace", ["SIPMessage", "SDP", "Wire"]),
        room("SecureMedia", ["CSRTP", "COpenSSL", "CShims", "Wire"]),
        room("OpusCodec", ["COpus", "CShims"]),
        room("Systemd", ["CSystemd", "Wire", .logging]),
        room("Sealing", ["Wire", .crypto]),

        // 4: sockets and threads
        room("Supervision", ["Systemd", "CLinux", "Wire"]),
        room(
            "SIPTransport",
            ["SIP", "SIPMessage", "CLinux", "CShims", "Wire", .nioCore, .nioPosix, .nioTLS, .nioSSL, .asn1]),
        room(
            "Media",
            ["RTP", "Audio", "ICE", "SDP", "SecureMedia", "OpusCodec", "CLinux", "Wire", .logging]),
        room("Appliance", ["CShims", "Wire"]),
        room("Accounts", ["Wire", .grdb, .crypto, .cryptoExtras, .jwt]),
        room("Ledger", ["Call", "Numbering", "Sealing", "Wire", .grdb, .grdbSQLite, .crypto]),
        room("Backup", ["Ledger", "Sealing", "Wire", .crypto]),
        room("Control", ["Call", "SIPTrace", "Sealing", "Settings", "Wire", .nioCore, .nioPosix, .logging]),

        // 5: the one actor
        room(
            "Switchboard",
            [
                "Call", "SIP", "SIPMessage", "SIPTransport", "SIPTrace", "SDP", "Numbering", "Media", "Control",
                "Ledger",
                "Settings", "Wire",
                .logging,
            ]),

        // 6: the web
        room(
            "WebAPI",
            [
                "Accounts", "Control", "Call", "CShims", "Ledger", "Sealing", "Settings", "Wire", .hummingbird,
                .cryptoExtras,
                .crypto,
                .nioCore, .nioPosix,
                .nioHTTP1, .nioWebSocket, .nioTLS, .nioSSL, .x509, .asn1, .lifecycle, .logging,
            ]),

        // 6: what the operator's commands show
        room("Console", ["Appliance", "Call", "Control", "SIPTrace", "Wire"]),

        // 7: programs
        .executableTarget(
            name: "sipcall",
            dependencies: [
                "Accounts", "Appliance", "Switchboard", "WebAPI", "Backup", "Console", "Call", "Control", "Ledger",
                "Numbering", "Sealing",
                "Settings", "SIP",
                "SIPTrace", "SIPTransport", "Media", "Supervision", "Systemd", "Wire", "CShims", .arguments, .logging,
                .lifecycle,
                .signals, .subprocess, .nioCore, .nioPosix, .nioSSL,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "DemoCarrier",
            dependencies: [
                "SIP", "SIPMessage", "SIPTransport", "SDP", "RTP", "Audio", "Wire", "CLinux", .arguments, .nioPosix,
            ],
            swiftSettings: strict),

        tests(of: "Wire"),
        tests(of: "Accounts", ["Wire", .crypto, .jwt]),
        tests(of: "SIPMessage", ["Wire"]),
        tests(of: "SDP", ["Wire"]),
        tests(of: "ICE", ["Wire", .crypto]),
        tests(of: "RTP", ["Wire"]),
        tests(of: "Audio"),
        tests(of: "Numbering", ["Wire"]),
        tests(of: "Settings", ["Numbering", "Wire"]),
        tests(of: "SIP", ["SIPMessage", "Wire"]),
        tests(of: "Call", ["Numbering", "Settings", "Wire"]),
        tests(of: "SIPTrace", ["SIPMessage", "Wire"]),
        // A name server for tests of how providers are found.
        .target(
            name: "NameServer", dependencies: ["CLinux"], path: "Tests/NameServer", swiftSettings: strict),
        tests(of: "SIPTransport", ["NameServer", "SIP", "SIPMessage", "Wire", .nioCore, .nioPosix, .nioSSL]),
        tests(of: "SecureMedia", ["COpenSSL", "Wire"]),
        tests(of: "OpusCodec", ["Audio"]),
        tests(of: "Systemd", ["Wire", .logging]),
        tests(of: "Sealing", ["Wire", .crypto]),
        tests(of: "Ledger", ["Call", "Numbering", "Sealing", "Wire", .crypto, .grdb]),
        tests(of: "Backup", ["Ledger", "Sealing", "Wire"]),
        tests(of: "Supervision", ["Systemd", "Wire"]),
        tests(
            of: "Media",
            ["RTP", "ICE", "SDP", "SecureMedia", "OpusCodec", "COpenSSL", "Wire", "Audio", .logging]),
        tests(of: "Appliance", ["Wire"]),
        tests(of: "Control", ["Call", "Sealing", "Wire", .nioCore, .nioPosix]),
        tests(
            of: "Switchboard",
            [
                "NameServer", "Call", "Control", "Ledger", "Media", "Numbering", "SDP", "SIP", "SIPMessage", "SIPTrace",
                "SIPTransport", "Settings", "Wire",
                .logging, .nioCore, .nioPosix,
            ]),
        tests(
            of: "WebAPI",
            ["Accounts", "Control", "Call", "Ledger", "Sealing", "Settings", "Wire", .nioCore, .nioPosix, .nioSSL]),
        tests(of: "Console", ["Appliance", "Control", "Call", "SIPTrace", "Wire"]),
    ],
    swiftLanguageModes: [.v6]
)
