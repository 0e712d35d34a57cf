extension NumberingPlan {
    /// What a text means when it is dialled here. Every usual spelling of a number gives the same value, and the value's
    /// own spelling (`+49…`) gives itself.
    /// - Parameters:
    ///   - text: as typed, pasted, or out of a `tel:` URI; at most 128 bytes.
    ///   - areaCode: of the box, without trunk prefix, for local numbers; without it they are refused.
    package func normalise(_ text: String, areaCode: String? = nil) throws(NumberRefusal) -> DialledNumber {
        let dialled = try DialText(text)
        if dialled.isEmergencyService, let emergencyNumber { return .emergency(emergencyNumber) }
        if dialled.isInternational { return .international(try Self.international(dialled.symbols)) }
        let digits = dialled.keys(keepingZero: true)
        guard !digits.isEmpty else { throw .empty }
        guard digits.utf8.count <= 32 else { throw .tooLong }
        if dialled.isServiceCode { return .service(digits) }
        if isEmergency(digits) { return .emergency(digits) }
        if let short = shortNumber(digits) { return short }
        if let abroad = abroad(dialled) { return .international(try abroad.get()) }
        return try national(digits, areaCode: areaCode)
    }

    /// After an exit code; nil when the text begins with none.
    private func abroad(_ dialled: DialText) -> Result<TelephoneNumber, NumberRefusal>? {
        let digits = dialled.keys(keepingZero: true)
        var refusal: NumberRefusal?
        for exit in exits where digits.hasPrefix(exit) {
            do throws(NumberRefusal) {
                return .success(try Self.international(Array(dialled.symbols.dropFirst(exit.utf8.count))))
            } catch {
                refusal = refusal ?? error
            }
        }
        return refusal.map { .failure($0) }
    }

    /// Country code first; the same wherever it is dialled.
    static func international(_ symbols: [DialText.Symbol]) throws(NumberRefusal) -> TelephoneNumber {
        let outer = DialText(symbols: symbols)
        var digits = outer.keys(keepingZero: true)
        guard !digits.utf8.contains(where: { $0 &- 0x30 >= 10 }) else { throw .notANumber }
        // `+0049`: no country code begins with 0, so these lead abroad a second time.
        var skipped = 0
        while digits.utf8.first == UInt8(ascii: "0") {
            digits.removeFirst()
            skipped += 1
        }
        guard !digits.isEmpty else { throw skipped == 0 ? .empty : .tooShort }
        guard let code = NumberRanges.callingCode(of: digits) else { throw .unknownCountryCode }
        let plan = NumberingPlan.main(of: code)
        let bare = outer.keys(keepingZero: plan?.zeroMayLead ?? false)
        let national = bare.drop { $0 == "0" }.dropFirst(code.utf8.count)
        return try number(code, String(plan?.withoutTrunkPrefix(national) ?? national), plan)
    }

    /// From a national number as it is dialled inside the country; also undoes the slip of `+49 030…`.
    private func withoutTrunkPrefix(_ national: Substring) -> Substring {
        guard let trunkPrefix, national.hasPrefix(trunkPrefix) else { return national }
        var rest = national.dropFirst(trunkPrefix.utf8.count)
        if trunkPrefixIsSafe {
            while rest.hasPrefix(trunkPrefix) { rest = rest.dropFirst(trunkPrefix.utf8.count) }
            return rest
        }
        // Japan and Korea: special services begin with two zeros, all else with none. Russia: the length tells.
        let isPrefix =
            trunkPrefix == "0"
            ? !rest.hasPrefix("0")
            : !ordinaryLengths.contains(national.utf8.count) && ordinaryLengths.contains(rest.utf8.count)
        return isPrefix ? rest : national
    }

    private func national(_ digits: String, areaCode: String?) throws(NumberRefusal) -> DialledNumber {
        let count = digits.utf8.count
        guard let trunkPrefix else {
            if lengths.contains(count) { return .international(try Self.number(callingCode, digits, self)) }
            return try local(digits, areaCode: areaCode)
        }
        if digits.hasPrefix(trunkPrefix) {
            let rest = withoutTrunkPrefix(digits[...])
            if rest.utf8.count < count || lengths.contains(count) {
                return .international(try Self.number(callingCode, String(rest), self))
            }
        }
        // Where lengths tell national from local, the trunk prefix is often left out: 212-555-0100, 495 123-45-67.
        if !isOpen, ordinaryLengths.contains(count) {
            return .international(try Self.number(callingCode, digits, self))
        }
        if mobileIsWhole, ordinaryLengths.contains(count),
            let number = TelephoneNumber(digits: callingCode + digits), number.kind == .mobile
        {
            return .international(number)
        }
        return try local(digits, areaCode: areaCode)
    }

    /// A number inside the box's area.
    private func local(_ digits: String, areaCode: String?) throws(NumberRefusal) -> DialledNumber {
        let count = digits.utf8.count
        if let areaCode, !areaCode.isEmpty {
            let whole = areaCode + digits
            if isOpen || ordinaryLengths.contains(whole.utf8.count) {
                return .international(try Self.number(callingCode, whole, self))
            }
        }
        if count > (lengths.max() ?? 15) { throw .tooLong }
        // Not in the tables and shorter than any number: it is for the provider to know.
        if !isOpen, count <= 6, count >= 2, count < (ordinaryLengths.min() ?? 7) - 2 {
            return .short(digits, isFree: false)
        }
        throw count < 2 ? .tooShort : .needsAreaCode
    }

    /// - Parameter national: without trunk prefix.
    private static func number(
        _ callingCode: String, _ national: String, _ plan: NumberingPlan?
    ) throws(NumberRefusal) -> TelephoneNumber {
        let count = national.utf8.count
        guard callingCode.utf8.count + count <= 15 else { throw .tooLong }
        guard count >= max(plan?.lengths.min() ?? 4, 2) else { throw .tooShort }
        guard let number = TelephoneNumber(digits: callingCode + national) else { throw .tooShort }
        return number
    }
}
