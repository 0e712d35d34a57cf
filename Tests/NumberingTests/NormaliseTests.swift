import Testing

@testable import Numbering

func plan(_ code: String) throws -> NumberingPlan {
    try #require(Region(code).flatMap(NumberingPlan.of))
}

/// `+…` of an international number, or the name of another outcome.
func outcome(_ text: String, in region: String, areaCode: String? = nil) throws -> String {
    let plan = try plan(region)
    do throws(NumberRefusal) {
        switch try plan.normalise(text, areaCode: areaCode) {
        case .international(let number): return number.e164
        case .emergency(let digits): return "emergency \(digits)"
        case .short(let digits, let isFree): return "\(isFree ? "free" : "short") \(digits)"
        case .service(let code): return "service \(code)"
        }
    } catch {
        return error.rawValue
    }
}

@Suite("E.164 normalisation")
struct NormaliseTests {
    @Test(
        "every spelling of one number gives one value",
        arguments: [
            "+49 30 1234567", "+49 (30) 123-4567", "+49 (0)30 1234567", "+49(0)30/1234567", "0049301234567",
            "00 49 (0) 30 1234567", "030 1234567", "(030) 12 34 567", "030/123.45.67", "030\u{2011}123\u{2013}4567",
            "+49030 1234567", "+0049 30 1234567", "tel:+49-30-1234567", "TEL:+49-30-1234567;user=x",
            "tel:1234567;phone-context=+4930", "tel:%2B49301234567", "\u{ff0b}\u{ff14}\u{ff19}301234567",
            "\u{0660}\u{0663}\u{0660}\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}\u{0666}\u{0667}",
            "\u{202a}+49 30 1234567\u{202c}", "\u{a0}030\u{2009}1234567\n", "030 \u{2212} 1234567", "[030] 1234567",
            "(\u{ff10})30 1234567",
        ])
    func oneValue(text: String) throws {
        #expect(try outcome(text, in: "DE") == "+49301234567")
    }

    @Test(
        "each country's habits",
        arguments: [
            ("US", "(212) 555-0100", "+12125550100"), ("US", "1-212-555-0100", "+12125550100"),
            ("US", "011 49 30 1234567", "+49301234567"), ("US", "1-800-FLOWERS", "+18003569377"),
            ("US", "1 (800) Go-Fedex", "+18004633339"), ("US", "555-0100", "needsAreaCode"),
            ("GB", "020 7946 0958", "+442079460958"), ("GB", "20 7946 0958", "+442079460958"),
            ("GB", "+44 (0)20 7946 0958", "+442079460958"), ("AU", "0011 44 20 7946 0958", "+442079460958"),
            ("AU", "(02) 9876 5432", "+61298765432"), ("IT", "06 698 12345", "+390669812345"),
            ("IT", "+39 (0)6 698 12345", "+390669812345"), ("FR", "01 23 45 67 89", "+33123456789"),
            ("ES", "912 345 678", "+34912345678"), ("RU", "8 (495) 123-45-67", "+74951234567"),
            ("RU", "495 123-45-67", "+74951234567"), ("RU", "8 10 49 30 1234567", "+49301234567"),
            ("RU", "+7 8 495 123-45-67", "+74951234567"), ("HU", "06 1 234 5678", "+3612345678"),
            ("JP", "+81 (0)90-1234-5678", "+819012345678"), ("JP", "010 1 212 555 0100", "+12125550100"),
            ("CH", "044 668 18 00", "+41446681800"), ("AT", "01 5134 555", "+4315134555"),
            ("DK", "32 12 34 56", "+4532123456"), ("GG", "01481 256789", "+441481256789"),
            ("KR", "+82 010-2345-6789", "+821023456789"),
        ])
    func habits(region: String, text: String, expected: String) throws {
        #expect(try outcome(text, in: region) == expected)
    }

    @Test(
        "local numbers need an area code",
        arguments: [
            ("DE", "1234567", nil, "needsAreaCode"), ("DE", "1234567", "30", "+49301234567"),
            ("US", "5550100", "212", "+12125550100"), ("GB", "7946 0958", "20", "+442079460958"),
            ("DE", "0401234567", "30", "+49401234567"),
        ] as [(String, String, String?, String)])
    func local(region: String, text: String, areaCode: String?, expected: String) throws {
        #expect(try outcome(text, in: region, areaCode: areaCode) == expected)
    }

    @Test(
        "emergency numbers come before all else, short numbers and service codes are told apart",
        arguments: [
            ("DE", "112", "emergency 112"), ("DE", "1 1 0", "emergency 110"), ("DE", "tel:112", "emergency 112"),
            ("DE", "urn:service:sos", "emergency 112"), ("US", "urn:service:sos.fire", "emergency 112"),
            ("US", "911", "emergency 911"), ("GB", "999", "emergency 999"), ("AU", "000", "emergency 000"),
            ("FR", "15", "emergency 15"), ("CH", "144", "emergency 144"), ("DE", "116117", "free 116117"),
            ("DE", "11833", "short 11833"), ("DE", "911", "needsAreaCode"), ("US", "411", "short 411"),
            ("DE", "*43", "service *43"), ("DE", "*31#030123", "service *31#030123"),
            ("DE", "##002#", "service ##002#"),
        ])
    func short(region: String, text: String, expected: String) throws {
        #expect(try outcome(text, in: region) == expected)
    }

    @Test(
        "what names no number is refused",
        arguments: [
            ("", "empty"), ("+", "empty"), ("()", "empty"), ("00", "empty"), ("alice", "notANumber"),
            ("sip:1@a", "notANumber"), ("030 1234567 ext. 12", "hasExtension"), ("030 1234567x12", "hasExtension"),
            ("030 1234567 Durchwahl: 12", "hasExtension"), ("030 1234567#12", "hasExtension"),
            ("030 1234567,,12", "hasExtension"), ("tel:+49-30-1234567;ext=12", "hasExtension"),
            ("030 12345ab", "notANumber"), ("030+1234567", "notANumber"), ("++49301234567", "notANumber"),
            ("030*1234567", "notANumber"), ("030 \u{1f4de} 1234567", "notANumber"),
            ("+999 1234567", "unknownCountryCode"),
            ("+49 3", "tooShort"), ("+49 30 123456789012345", "tooLong"), ("tel:%zz", "notANumber"),
            ("tel:%", "notANumber"), ("030 ½ 1234", "notANumber"), ("urn:service:sosx", "notANumber"),
        ])
    func refused(text: String, expected: String) throws {
        #expect(try outcome(text, in: "DE") == expected)
    }

    @Test("the length of a text is bounded before it is read")
    func bounded() throws {
        #expect(try outcome(String(repeating: "1", count: 1_000_000), in: "DE") == "tooLong")
        #expect(try outcome(String(repeating: " ", count: 129), in: "DE") == "tooLong")
        #expect(try outcome("*" + String(repeating: "1", count: 40), in: "DE") == "tooLong")
    }
}
