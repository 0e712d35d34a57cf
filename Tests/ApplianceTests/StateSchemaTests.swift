import Foundation
import Glibc
import Testing
import Wire

@testable import Appliance

@Suite("The state's form is carried forward, or left as it was")
struct StateSchemaTests {
    private let place: String
    private struct Fault: Error {}

    init() throws {
        place = FileManager.default.temporaryDirectory.appending(path: "schema-\(UUID())").path
        try FileManager.default.createDirectory(atPath: "\(place)/folder", withIntermediateDirectories: true)
        try Data("a1".utf8).write(to: URL(filePath: "\(place)/a"))
        try Data("b1".utf8).write(to: URL(filePath: "\(place)/folder/b"))
        // A lock that nobody writes to, and the log of a database that was closed in order.
        try Data().write(to: URL(filePath: "\(place)/lock"))
        try Data().write(to: URL(filePath: "\(place)/folder/log"))
        chmod("\(place)/folder/b", 0o640)
    }

    /// Changes two files and makes a third, ending after `most` of these.
    private static func step(_ number: Int, ending most: Int = .max) -> StateSchema.Step {
        StateSchema.Step(to: number) { directory in
            for (index, name) in ["a", "folder/b", "c\(number)"].enumerated() {
                guard index < most else { throw Fault() }
                try Data("\(name)-\(number)".utf8).write(to: URL(filePath: "\(directory)/\(name)"))
            }
        }
    }

    private func schema(_ steps: [StateSchema.Step]) -> StateSchema {
        StateSchema(directory: place, version: "0.2.0", steps: steps)
    }

    private func content(_ name: String) -> String? { try? String(contentsOfFile: "\(place)/\(name)", encoding: .utf8) }

    private var isOld: Bool {
        content("a") == "a1" && content("folder/b") == "b1" && content("lock") == ""
            && content("c2") == nil && content("c3") == nil
    }

    @Test("today's form needs nothing")
    func same() throws {
        try schema([]).prepare()
        try schema([]).commit()
        #expect(content("schema") == nil && isOld)
    }

    @Test("two steps, one copy for each, committed by the ready process")
    func forward() throws {
        let both = schema([Self.step(2), Self.step(3)])
        try both.prepare()
        #expect(content("schema") == nil && content("schema.pending") == "2\n")
        try both.commit()
        #expect(content("schema") == "3\n" && content("schema.pending") == nil && content("a") == "a-3")
        #expect(content("before-schema-2/a") == "a1" && content("before-schema-3/a") == "a-2")
        #expect(content("before-schema-2/lock")?.isEmpty == true && content("before-schema-2/folder/log") == "")
        let copied = try FileManager.default.attributesOfItem(atPath: "\(place)/before-schema-2/folder/b")
        #expect(copied[.posixPermissions] as? Int == 0o640)
        try both.prepare()
        #expect(content("a") == "a-3")
    }

    @Test("a step that fails leaves all as it was", arguments: [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2)])
    func fails(number: Int, most: Int) {
        let steps = [2, 3].map { Self.step($0, ending: $0 == number ? most : .max) }
        let problem = #expect(throws: Problem.self) { try schema(steps).prepare() }
        #expect(problem?.code == "state.not-migrated")
        #expect(isOld && content("schema") == nil && content("schema.pending") == nil)
    }

    @Test("a version that never becomes ready is undone by the one before it, which knows nothing of the step")
    func neverReady() throws {
        try schema([Self.step(2), Self.step(3)]).prepare()
        #expect(content("a") == "a-3")
        try schema([]).prepare()
        #expect(isOld && content("schema.pending") == nil)
    }

    @Test("a process killed during a step, at each of its writes, is undone at the next start", arguments: 0...3)
    func killed(most: Int) throws {
        // The copy and the note are made, then the process is gone after so many writes.
        let path = place
        let dying = StateSchema.Step(to: 2) { _ in
            try? Self.step(2, ending: most).migrate(path)
            try FileManager.default.copyItem(atPath: path, toPath: "\(path).killed")
        }
        try schema([dying]).prepare()
        let killed = "\(place).killed"
        try StateSchema(directory: killed, version: "0.1.0", steps: []).prepare()
        #expect(try String(contentsOfFile: "\(killed)/a", encoding: .utf8) == "a1")
        #expect(try String(contentsOfFile: "\(killed)/folder/b", encoding: .utf8) == "b1")
        #expect(!FileManager.default.fileExists(atPath: "\(killed)/c2"))
        #expect(!FileManager.default.fileExists(atPath: "\(killed)/schema.pending"))
    }

    @Test("The copies go two weeks after the new version has served")
    func copiesGo() throws {
        try schema([Self.step(2)]).prepare()
        try schema([Self.step(2)]).commit()
        #expect(content("schema.next") == nil)
        try schema([Self.step(2)]).prepare()
        #expect(content("before-schema-2/a") == "a1")
        let old = Date.now.addingTimeInterval(-15 * 86_400)
        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: "\(place)/before-schema-2")
        try schema([Self.step(2)]).prepare()
        #expect(content("before-schema-2/a") == nil && content("a") == "a-2")
    }

    @Test("What was made ready before the step is all that is needed after it")
    func committedWithoutRoom() throws {
        let both = schema([Self.step(2)])
        try both.prepare()
        #expect(content("schema.next") == "2\n")
        // In the place of every unfinished file: nothing new can be written.
        for name in ["schema.new", "schema.writer.new"] {
            try FileManager.default.createDirectory(
                atPath: "\(place)/\(name)/in-the-way", withIntermediateDirectories: true)
        }
        try both.commit()
        #expect(content("schema") == "2\n" && content("schema.pending") == nil)
    }

    @Test("data of a newer version is refused before anything is touched, naming that version")
    func newer() throws {
        let both = schema([Self.step(2)])
        try both.prepare()
        try both.commit()
        let problem = #expect(throws: Problem.self) { try StateSchema(directory: place, version: "0.1.0").prepare() }
        #expect(problem?.code == "state.newer")
        #expect(problem?.sentence.contains("SIPCall 0.2.0") == true)
        #expect(content("a") == "a-2" && content("schema") == "2\n")
    }

    @Test("a number that is none is refused", arguments: ["", "x", "0", "-1", "99999999999999999999"])
    func unreadable(text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(place)/schema"))
        let problem = #expect(throws: Problem.self) { try schema([]).prepare() }
        #expect(problem?.code == "state.unreadable")
        #expect(isOld)
    }
}
