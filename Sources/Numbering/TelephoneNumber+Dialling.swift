extension TelephoneNumber {
    /// The digits to press for this number in the country of a plan: nationally at home, with the exit code abroad.
    package func dialled(in plan: NumberingPlan) -> String {
        if callingCode == plan.callingCode { return (plan.trunkPrefix ?? "") + national }
        // The shortest is the country's own; the others choose a carrier.
        return plan.exits.last.map { $0 + digits } ?? e164
    }
}
