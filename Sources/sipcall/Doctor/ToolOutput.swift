import Subprocess

/// What a tool of the system prints.
enum ToolOutput {
    /// - Returns: nil when it is not there, fails, or prints more than 4 MiB.
    static func of(_ program: String, _ arguments: [String]) async -> String? {
        let result = try? await Subprocess.run(
            .name(program), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C.UTF-8"]),
            output: .string(limit: 4 << 20), error: .discarded)
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return result.standardOutput
    }
}
