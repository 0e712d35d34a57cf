package import Wire

/// Why what was chosen in the page does not hold, other than for a value in it.
package enum SettingsProblem {
    package static let changed = Problem(
        code: "settings.changed", sentence: "Somebody else has changed the settings meanwhile.",
        remedy: "Look at them as they are now, and change them again.")
    package static let unconditional = Problem(
        code: "settings.unconditional", sentence: "The request does not say which state of the settings it changes.",
        remedy: "Send If-Match with the ETag under which the settings were read.")
    package static let notKept = Problem(
        code: "settings.not-kept", sentence: "The settings could not be written to the disk; the former ones hold.",
        remedy: "See that the disk has room and is not read-only, and try again.")

    package static func fixed(_ section: SettingsSection, by file: String) -> Problem {
        Problem(
            code: "settings.fixed", sentence: "The table [\(section.table)] of \(file) sets this.",
            remedy: "Change it there, or remove the table to choose it in the page; then: sipcall reload")
    }
}
