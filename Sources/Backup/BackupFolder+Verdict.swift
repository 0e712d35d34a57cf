import Foundation
package import Wire

extension BackupFolder {
    /// A backup that is not what its note says, or has none.
    package struct Fault: Sendable, Equatable {
        /// The file's name.
        package var name: String
        package var problem: Problem
    }

    /// Reads every backup and compares it with the note that was written when it was proven. No key is needed, nothing is changed.
    ///
    /// - Returns: how many are whole, the newest of them, and what is wrong with the others. No backup at all is a fault too.
    package func verdict() throws(Problem) -> (whole: Int, newest: WallTime?, faults: [Fault]) {
        var (whole, newest, faults): (Int, WallTime?, [Fault]) = (0, nil, [])
        for name in try names() {
            let path = "\(directory)/\(name)"
            do throws(Problem) {
                guard let data = try? Data(contentsOf: URL(filePath: Self.note(of: path))),
                    let note = try? JSONDecoder().decode(Note.self, from: data)
                else { throw BackupProblem.damaged("its note is missing or makes no sense") }
                let file = try BackupManifest.file(path)
                guard file.size == note.size, file.sha256 == note.sha256 else {
                    throw BackupProblem.damaged("it is not the file that was proven")
                }
                whole += 1
                newest = max(newest ?? note.created, note.created)
            } catch {
                faults.append(Fault(name: name, problem: error))
            }
        }
        if whole == 0, faults.isEmpty {
            faults.append(
                Fault(
                    name: "backups",
                    problem: Problem(
                        code: "backup.none", sentence: "There is no backup in \(directory).",
                        remedy: "Make one with: sipcall backup")))
        }
        return (whole, newest, faults)
    }

    /// - Returns: nothing where the directory is missing.
    private func names() throws(Problem) -> [String] {
        guard FileTree.exists(directory) else { return [] }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw BackupProblem.cannotWrite(directory, "it cannot be listed")
        }
        return names.filter { $0.hasPrefix("sipcall-") && $0.hasSuffix(".tar.zst.age") }.sorted()
    }
}
