import Foundation
import Glibc
import Testing
import Wire

@testable import Appliance

@Suite("The state's form is carried forward, or left as it was")
struct StateSchemaTests {
    /// The box's state, and one part's directory in it.
    private let box: String
    private let place: String
    private struct Fault: Error {}

    init() throws {
        box = FileManager.default.temporaryDirectory.appending(path: "schema-\(UUID())").path
        place = "\(box)/core"
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

    /// Says that the other part has served, too: the box settles when this one does.
    private func settle(_ steps: [StateSchema.Step], version: String = "0.2.0") throws {
        let web = StateSchema(directory: "\(box)/web", version: version, steps: steps)
        try FileManager.default.createDirectory(atPath: "\(box)/web/folder", withIntermediateDirectories: true)
        try web.prepare()
        try web.serves()
        try schema(steps).serves()
    }

    private func content(_ name: String) -> String? { try? String(contentsOfFile: "\(place)/\(name)", encoding: .utf8) }

    private var isOld: Bool {
        content("a") == "a1" && content("folder/b") == "b1" && content("lock") == ""
            && content("c2") == nil && content("c3") == nil
    }

    @Test("today's form needs nothing")
    func same() throws {
        try schema([]).prepare()
        try settle([])
        #expect(try schema([]).commit())
        #expect(content("schema") == nil && isOld)
    }

    @Test("two steps, one copy for each, committed by the ready process")
    func forward() throws {
        let both = schema([Self.step(2), Self.step(3)])
        try both.prepare()
        #expect(content("schema") == nil && content("schema.pending") == "2\n")
        try settle([Self.step(2), Self.step(3)])
        #expect(try both.commit())
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

    @Test("one part that serves is not enough: the box settles on a form when all have, or takes it back everywhere")
    func wholeBox() throws {
        let core = schema([Self.step(2)])
        let web = StateSchema(directory: "\(box)/web", version: "0.2.0", steps: [Self.step(2)])
        try FileManager.default.createDirectory(atPath: "\(box)/web/folder", withIntermediateDirectories: true)
        try core.prepare()
        try core.serves()
        #expect(try !core.commit())
        // The other one has carried its data over, and never serves.
        try web.prepare()
        #expect(try !core.commit() && !web.commit())
        #expect(content("schema.pending") == "2\n" && content("before-schema-2/a") == "a1")
        try schema([]).prepare()
        #expect(isOld && content("schema.pending") == nil)
        // Again, and now all serve: what one of them has not carried through yet, the next start does, and nothing takes back.
        try core.prepare()
        try core.serves()
        try web.serves()
        #expect(try core.commit() && content("schema") == "2\n")
        let late = #expect(throws: Problem.self) {
            try StateSchema(directory: "\(box)/web", version: "0.1.0", steps: []).prepare()
        }
        #expect(late?.code == "state.newer")
        try web.prepare()
        #expect(try String(contentsOfFile: "\(box)/web/schema", encoding: .utf8) == "2\n")
        // Undone by hand: the older version settles anew, so that the next upgrade is decided anew.
        try FileManager.default.removeItem(atPath: "\(place)/schema")
        try FileManager.default.removeItem(atPath: "\(box)/web/schema")
        try schema([]).prepare()
        try settle([])
        try core.prepare()
        #expect(try !core.commit())
    }

    @Test("that a part has served is forgotten with its next start, until the box has settled")
    func servedAnew() throws {
        let core = schema([Self.step(2)])
        let web = StateSchema(directory: "\(box)/web", version: "0.2.0", steps: [Self.step(2)])
        try FileManager.default.createDirectory(atPath: "\(box)/web/folder", withIntermediateDirectories: true)
        try core.prepare()
        try core.serves()
        try core.prepare()
        try web.prepare()
        try web.serves()
        #expect(try !web.commit())
        try core.serves()
        #expect(try web.commit() && core.commit())
    }

    @Test("what was written in the new form goes on with it, and is put aside, not lost, when it is taken back")
    func putAside() throws {
        let new = schema([Self.step(2)])
        try new.prepare()
        try Data("a call".utf8).write(to: URL(filePath: "\(place)/record"))
        try new.serves()
        #expect(try new.prepare() == nil)
        #expect(content("record") == "a call" && content("a") == "a-2")
        for attempt in ["undone-schema-2", "undone-schema-2-1"] {
            let notice = try schema([]).prepare()
            #expect(notice?.code == "state.taken-back" && notice?.sentence.contains(attempt) == true)
            #expect(isOld && content("record") == nil)
            #expect(content("\(attempt)/record") == "a call" && content("\(attempt)/a") == "a-2")
            try new.prepare()
            try Data("a call".utf8).write(to: URL(filePath: "\(place)/record"))
        }
    }

    @Test("putting back goes on where it was cut short", arguments: ["aside", "emptied", "half back", "all back"])
    func cutShort(_ where: String) throws {
        let files = FileManager.default
        try schema([Self.step(2)]).prepare()
        let (new, restoring) = ("\(place)/undone-schema-2.new", "\(place)/restoring-schema-2")
        if `where` == "aside" {
            try files.createDirectory(atPath: new, withIntermediateDirectories: false)
            try files.moveItem(atPath: "\(place)/a", toPath: "\(new)/a")
        } else {
            for name in ["a", "folder", "lock", "c2", "schema.next"] {
                try files.removeItem(atPath: "\(place)/\(name)")
            }
            if `where` != "emptied" { try files.moveItem(atPath: "\(place)/before-schema-2", toPath: restoring) }
            for name in `where` == "half back" ? ["a"] : `where` == "all back" ? ["a", "folder", "lock"] : [] {
                try files.moveItem(atPath: "\(restoring)/\(name)", toPath: "\(place)/\(name)")
            }
        }
        try schema([]).prepare()
        #expect(isOld && content("schema.pending") == nil && !files.fileExists(atPath: restoring))
        guard `where` == "aside" else { return }
        #expect(content("undone-schema-2/a") == "a-2" && content("undone-schema-2/c2") == "c2-2")
    }

    @Test("without room for the copies nothing is touched")
    func noRoom() throws {
        // A file with a hole, larger than any disk here.
        try Data().write(to: URL(filePath: "\(place)/huge"))
        #expect(truncate("\(place)/huge", 1 << 43) == 0)
        let problem = #expect(throws: Problem.self) { try schema([Self.step(2)]).prepare() }
        #expect(problem?.code == "state.no-room")
        #expect(isOld && content("schema.pending") == nil && content("before-schema-2/a") == nil)
    }

    @Test("a link to a file comes back as a link; one to a directory is refused before anything is touched")
    func links() throws {
        symlink("/etc/hostname", "\(place)/folder/link")
        symlink("nowhere", "\(place)/dangling")
        try schema([Self.step(2)]).prepare()
        unlink("\(place)/folder/link")
        try schema([]).prepare()
        let files = FileManager.default
        #expect(try files.destinationOfSymbolicLink(atPath: "\(place)/folder/link") == "/etc/hostname")
        #expect(try files.destinationOfSymbolicLink(atPath: "\(place)/dangling") == "nowhere")
        symlink(box, "\(place)/folder/elsewhere")
        let problem = #expect(throws: Problem.self) { try schema([Self.step(2)]).prepare() }
        #expect(problem?.code == "state.not-plain" && problem?.sentence.contains("folder/elsewhere") == true)
        #expect(isOld && content("schema.pending") == nil)
    }

    @Test("records in the copies go as soon as the box has settled")
    func records() throws {
        for name in ["spool.sqlite", "spool.sqlite-wal"] {
            try Data("x".utf8).write(to: URL(filePath: "\(place)/\(name)"))
        }
        let new = schema([Self.step(2)])
        try new.prepare()
        #expect(content("before-schema-2/spool.sqlite") == "x")
        try settle([Self.step(2)])
        #expect(try new.commit())
        #expect(content("before-schema-2/spool.sqlite") == nil && content("before-schema-2/spool.sqlite-wal") == nil)
        #expect(content("before-schema-2/a") == "a1" && content("spool.sqlite") == "x")
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
        try settle([Self.step(2)])
        #expect(try schema([Self.step(2)]).commit())
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
        for name in ["schema.new", "schema.writer.new", "served.new"] {
            try FileManager.default.createDirectory(
                atPath: "\(place)/\(name)/in-the-way", withIntermediateDirectories: true)
        }
        try settle([Self.step(2)])
        #expect(try both.commit())
        #expect(content("schema") == "2\n" && content("schema.pending") == nil)
    }

    @Test("data of a newer version is refused before anything is touched, naming that version")
    func newer() throws {
        let both = schema([Self.step(2)])
        try both.prepare()
        try settle([Self.step(2)])
        #expect(try both.commit())
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
