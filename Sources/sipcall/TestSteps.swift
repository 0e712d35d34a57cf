import Appliance
import Foundation
import Settings
import Wire

extension SettingsSchema {
    /// The form that this build reads: a debug build may pretend to be a later version.
    static var ofThisBuild: SettingsSchema {
        #if DEBUG
            SettingsSchema(steps: released + TestSteps.settings)
        #else
            SettingsSchema()
        #endif
    }
}

extension StateSchema {
    /// The same for the state on the disk.
    static var stepsOfThisBuild: [Step] {
        #if DEBUG
            steps + TestSteps.state
        #else
            steps
        #endif
    }
}

#if DEBUG
    /// What a package under test carries so that its debug build is a later version with other forms of state and settings. A
    /// release build has none of it.
    ///
    ///     /usr/share/sipcall/test-steps     words: "settings" and "state", "state-fails" or "state-fails-in-web"
    private enum TestSteps {
        private static let note = readText("/usr/share/sipcall/test-steps") ?? ""
        private static let words = note.split(whereSeparator: \.isWhitespace)

        static var settings: [SettingsSchema.Step] {
            guard words.contains("settings") else { return [] }
            return [SettingsSchema.Step(to: SettingsSchema.current + 1, changes: [])]
        }

        static var state: [StateSchema.Step] {
            let fails = words.contains("state-fails")
            let failsInWeb = words.contains("state-fails-in-web")
            guard fails || failsInWeb || words.contains("state") else { return [] }
            return [
                StateSchema.Step(to: StateSchema.current + 1) { directory in
                    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
                    try Data("in the new form".utf8).write(to: URL(filePath: "\(directory)/migrated"))
                    guard fails || failsInWeb && directory.hasSuffix("/web") else { return }
                    // Half-way: what was there is in part gone.
                    for name in files where name.hasPrefix("spool") {
                        try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
                    }
                    throw Problem(code: "state.not-migrated", sentence: "On purpose.")
                }
            ]
        }
    }
#endif
