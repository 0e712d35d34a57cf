import Console
import Testing

@Suite("What leaves the box when somebody asks for help")
struct RedactorTests {
    @Test(
        "numbers, names, passwords, keys and addresses are masked",
        arguments: [
            ("to +49 30 1234567 now", "1234567"), ("0049-30-555 100", "555"), ("(030) 12 34 56", "34"),
            ("tel:+4930123456;ext=7", "4930123456"), ("user4930123456x", "4930123456"), ("49.301.234.567", "234"),
            ("+4.9.30.12345678", "12345678"), ("+٤٩٣٠١٢٣٤٥٦", "٣٠١٢"), ("＋４９３０１２３４５６", "３０１２"),
            ("2026-11-22493012345678", "493012345678"), ("%2B4930123456", "4930123456"),
            ("password = \"hunter2\"", "hunter2"), ("password='hun\"ter2'", "hun"), ("\"password\" : \"a\\\"b\"", "b"),
            ("password = \"\"\"\nhunter2\nmore\"\"\" x", "hunter2"), ("trunk.password=hunter2", "hunter2"),
            ("PASSWORD: hunter2", "hunter2"), ("admin_password = 'hunter2", "hunter2"),
            ("password_=hunter2", "hunter2"),
            ("user = \"alice\"", "alice"), ("auth-user=alice", "alice"), ("api-key: abc", "abc"),
            ("number = \"12\"", "12"), ("Digest username=\"alice\", response=\"feed\"", "alice"),
            ("Authorization: Digest x alice feed", "feed"), ("Cookie: session=abcdef", "abcdef"),
            ("From: \"Alice B\" <sip:alice@example.net>;tag=1", "Alice"), ("\"Alice\" <sip:x@y>", "Alice"),
            ("SIPS:Alice@Example.net", "Alice"), ("sip:alice:secret@host", "secret"),
            ("mail alice@example.net", "alice"),
            ("a=ice-pwd:0123456789abc", "0123456789abc"), ("a=crypto:1 AES inline:abc+/", "abc"),
            ("k 9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"),
            ("dGhpcyBpcyBhIHNlY3JldCBrZXk1Njc4OTA=", "Njc4OTA"), ("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ", "QQQQ"),
            ("\"digit\":\"7\"", "7"), ("caller=Bob", "Bob"),
            ("Open https://box/#setup=abcd-efgh-jkmn-pqrs-tvwx-yzab-cdef within", "abcd"),
            ("https://box/#sign-in=four-words", "words"), ("https://box/#invitation=abcdef", "abcdef"),
        ])
    func masked(text: String, secret: String) {
        let result = Redactor.redact(text)
        #expect(!result.contains(secret), "\(result)")
        #expect(result.contains("‹masked›"))
    }

    @Test(
        "what tells about the machine stays",
        arguments: [
            "2026-11-22T08:15:30.123Z warning core: text",
            "2026-11-22T08:15:30+0000 box sipcall-core[1234567]: The core is ready.",
            "sip=0.0.0.0:5060 media=UDP 3478", "203.0.113.7:5060", "203.0.113.0/24", "\"residentBytes\" : 41943040,",
            "\"uptimeSeconds\" : 1234567", "SIPCall 0.1.0", "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "call=0123456789abcdef0123456789abcdef", "\"call\" : \"0123456789abcdef0123456789abcdef\"",
            "code=call.provider-unreachable", "server = \"sip.example.net\"", "password_file = \"trunk.password\"",
        ])
    func kept(text: String) {
        #expect(Redactor.redact(text) == text)
    }

    @Test("no text makes it trap or take long")
    func hostile() {
        var generator = SystemRandomNumberGenerator()
        let signs = Array("\"'=:+0123456789ab @<sip:password\\\n%٤-.()/[]{}")
        for _ in 0..<2000 {
            let text = String((0..<Int.random(in: 0...60, using: &generator)).compactMap { _ in signs.randomElement() })
            _ = Redactor.redact(text)
        }
        let start = ContinuousClock.now
        for text in ["\"", "1 ", "password=\"\\", "a@", "+", "((((", "sip:", "call="] {
            _ = Redactor.redact(String(repeating: text, count: 20_000 / text.count))
        }
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
