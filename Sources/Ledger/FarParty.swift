import Numbering
package import Wire

/// How much of the far number a call's record keeps, as the owner chose for the call.
package enum CallPrivacy: UInt8, Sendable, Codable, CaseIterable {
    case full = 0
    /// The last two digits and the country.
    case lastDigits = 1
    case nothing = 2
}

/// The far side of a call as its record keeps it. Made where the call is, before anything is sealed: what privacy leaves out is
/// never written anywhere.
package struct FarParty: Sendable, Equatable {
    /// In one spelling (see ``canonical(_:)``); nil when privacy leaves it out or the caller withheld it.
    package private(set) var number: Redacted<String>?
    /// What the provider or the address book calls it.
    package private(set) var name: Redacted<String>?
    /// Two digits, or fewer for shorter numbers: ``CallPrivacy/lastDigits`` only.
    package private(set) var lastDigits: Redacted<String>?
    /// `DE`; nil for numbers of no country.
    package private(set) var region: String?

    private init(number: Redacted<String>?, name: Redacted<String>?, lastDigits: Redacted<String>?, region: String?) {
        (self.number, self.name, self.lastDigits, self.region) = (number, name, lastDigits, region)
    }

    /// - Parameters:
    ///   - number: international with plus (`+4930…`) where it could be made so, or else as it came; nil if withheld.
    ///   - name: as shown to the user; nil if unknown.
    package init(number: Redacted<String>?, name: Redacted<String>? = nil, privacy: CallPrivacy = .full) {
        let number = number.map { Redacted(Self.canonical($0.revealed)) }.flatMap { $0.revealed.isEmpty ? nil : $0 }
        let digits = number?.revealed.filter { $0.isASCII && $0.isNumber } ?? ""
        var region: String?
        if let number, number.revealed.hasPrefix("+") { region = TelephoneNumber(digits: digits)?.region.code }
        switch privacy {
        case .full: self.init(number: number, name: name, lastDigits: nil, region: region)
        case .lastDigits:
            // Of a short number two digits would be half of it or more.
            let kept = digits.count < 6 ? nil : Redacted(String(digits.suffix(2)))
            self.init(number: nil, name: nil, lastDigits: kept, region: region)
        case .nothing: self.init(number: nil, name: nil, lastDigits: nil, region: nil)
        }
    }

    /// The same with no more than this of the number.
    package func limited(to privacy: CallPrivacy) -> FarParty {
        guard number != nil || name != nil else { return privacy == .nothing ? FarParty(number: nil) : self }
        return FarParty(number: number, name: name, privacy: privacy)
    }

    /// As it was sealed.
    init?(_ fields: FieldReader, _ first: Int) {
        self.init(
            number: fields.text(first).map { Redacted($0) }, name: fields.text(first + 1).map { Redacted($0) },
            lastDigits: fields.text(first + 2).map { Redacted($0) }, region: fields.text(first + 3))
    }

    func write(to fields: inout FieldWriter, _ first: UInt8) {
        fields.write(first, number?.revealed)
        fields.write(first + 1, name?.revealed)
        fields.write(first + 2, lastDigits?.revealed)
        fields.write(first + 3, region)
    }

    /// One spelling for one number: without blanks and separators, `00` of an international number as `+`, letters lower case.
    /// Search and erasure compare these.
    package static func canonical(_ text: String) -> String {
        var kept = ""
        for character in text.lowercased().prefix(256) where !" \t\r\n-./()\u{a0}".contains(character) {
            kept.append(character)
        }
        if kept.hasPrefix("tel:") { kept.removeFirst(4) }
        let digits = kept.dropFirst(2)
        if kept.hasPrefix("00"), digits.count >= 7, digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
            kept = "+" + digits
        }
        return kept
    }
}
