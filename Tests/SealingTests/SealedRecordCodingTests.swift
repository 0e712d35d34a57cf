import Foundation
import Testing
import Wire

@testable import Sealing

@Suite("Sealed records on the control socket")
struct SealedRecordCodingTests {
    @Test("Every kind and any bytes come out as they went in")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        for kind in RecordKind.allCases {
            let record = SealedRecord(
                header: RecordHeader(
                    identifier: RecordIdentifier(using: &generator), kind: kind, revision: 255, schema: .max),
                sealed: (0..<1000).map { _ in UInt8.random(in: 0...255, using: &generator) })
            let coded = try JSONEncoder().encode(record)
            #expect(try JSONDecoder().decode(SealedRecord.self, from: coded) == record)
        }
    }

    @Test(
        "What is no record is refused",
        arguments: [
            #"{"i":"00","k":1,"r":0,"s":1,"d":""}"#,
            #"{"i":"0123456789abcdef0123456789abcdeg","k":1,"r":0,"s":1,"d":""}"#,
            #"{"i":"٠١٢٣456789abcdef0123456789ab","k":1,"r":0,"s":1,"d":""}"#,
            #"{"i":"0123456789abcdef0123456789abcdef","k":9,"r":0,"s":1,"d":""}"#,
            #"{"i":"0123456789abcdef0123456789abcdef","k":1,"r":256,"s":1,"d":""}"#,
            #"{"i":"0123456789abcdef0123456789abcdef","k":1,"r":0,"s":1,"d":"%"}"#,
            #"{"i":"0123456789abcdef0123456789abcdef","k":1,"r":0,"s":1}"#,
        ])
    func refused(text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(SealedRecord.self, from: Data(text.utf8)) }
    }
}
