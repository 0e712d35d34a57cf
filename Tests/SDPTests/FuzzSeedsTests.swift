import Foundation
import SDP
import Testing

@Suite("The fuzzer's seeds and findings")
struct FuzzSeedsTests {
    @Test("A description that can be read is written so that it reads the same")
    func descriptions() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzz")
        var seeds = 0
        for kind in ["corpus/sdp", "regressions/sdp"] {
            let place = folder.appending(path: kind)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? [] {
                let bytes = [UInt8](try Data(contentsOf: place.appending(path: name)))
                seeds += 1
                guard let session = try? SessionDescription(bytes) else {
                    #expect(kind.hasPrefix("regressions"), "\(name) leads the fuzzer nowhere")
                    continue
                }
                #expect((try? SessionDescription(session.text)) == session, "\(name)")
            }
        }
        #expect(seeds >= 5)
    }
}
