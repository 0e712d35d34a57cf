import Appliance
import ArgumentParser
import Settings
import Wire

/// `sipcall settle`: once every part has served in this version's form, data is not taken back any more, and the settings are written
/// in that form, too. sipcall-settle.service runs it as root until it has come about.
struct SettleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle", abstract: "Settle on the form of this version once every part serves.",
        shouldDisplay: false)

    @OptionGroup var box: BoxOptions

    func run() throws {
        let form = BoxForm(
            state: box.stateDirectory, version: productVersion,
            form: StateSchema.stepsOfThisBuild.last?.to ?? StateSchema.current,
            settings: SettingsSchema.ofThisBuild.current)
        guard !form.isSettled, try form.hasServed() else { return }
        try form.decide()
        // After the decision: a version that could not read them any more can no longer be installed by then.
        try MigrateSettingsCommand.migrate(box)
        try form.settle()
    }
}
