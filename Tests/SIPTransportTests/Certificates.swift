import Glibc
import SIPTransport

/// Certificates made by `openssl`, once for all tests.
struct Certificates: Sendable {
    let folder: String

    static let shared = Certificates()

    /// name → subject, subjectAltName, days from its beginning to its end, and who signs.
    private static let leaves: [(String, subject: String, names: String, days: String, authority: String)] = [
        ("dns", "/CN=other.test", "DNS:sip.example.test", "30", "ca"),
        ("uri", "/CN=other.test", "URI:sip:sip.example.test,DNS:host.example.test", "30", "ca"),
        ("user-uri", "/CN=other.test", "URI:sip:alice@sip.example.test", "30", "ca"),
        ("sips-uri", "/CN=other.test", "URI:sips:sip.example.test", "30", "ca"),
        ("wildcard", "/CN=other.test", "DNS:*.example.test", "30", "ca"),
        ("parent", "/CN=other.test", "DNS:example.test", "30", "ca"),
        ("cn", "/CN=sip.example.test", "", "30", "ca"),
        ("cn-and-dns", "/CN=sip.example.test", "DNS:other.test", "30", "ca"),
        ("cn-and-email", "/CN=sip.example.test", "email:a@example.test", "30", "ca"),
        ("address", "/CN=other.test", "IP:127.0.0.1,IP:::1", "30", "ca"),
        ("expired", "/CN=other.test", "DNS:sip.example.test", "-1", "ca"),
        ("stranger", "/CN=other.test", "DNS:sip.example.test", "30", "ca2"),
    ]

    private init() {
        var template = Array("/tmp/sipcall-certificates-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap(mkdtemp).map { String(cString: $0) } ?? "/nonexistent"
        }
        var script = "set -e; cd \(folder); exec >log 2>&1\n"
        for authority in ["ca", "ca2"] {
            script += """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(authority).key \
                -out \(authority).pem -days 30 -subj /CN=\(authority) -addext basicConstraints=critical,CA:TRUE
                openssl ecparam -name prime256v1 -genkey -noout -out leaf.key

                """
        }
        for (name, subject, names, days, authority) in Self.leaves {
            script += """
                openssl req -new -key leaf.key -out \(name).csr -subj \(subject)
                echo "\(names.isEmpty ? "" : "subjectAltName=\(names)")" > \(name).ext
                openssl x509 -req -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial \
                -out \(name).pem -days \(days) -extfile \(name).ext

                """
        }
        guard system(script) == 0 else { fatalError("openssl: see \(folder)/log") }
    }

    var authority: String { "\(folder)/ca.pem" }

    func identity(_ name: String) -> TLSOptions.Identity {
        TLSOptions.Identity(certificateFile: "\(folder)/\(name).pem", keyFile: "\(folder)/leaf.key")
    }
}
