import Call
import Testing
import Wire

@testable import Ledger

@Suite("What a person may see of a call")
struct PersonalDataTests {
    private var transferred: CallRecord {
        var record = call(1, number: "+49301234107")
        record.user = CallOwner("anna")
        record.transferredTo = FarParty(number: Redacted("+493055555"))
        return record
    }

    @Test("Whom a call was transferred to is somebody else")
    func transferredTo() throws {
        for subject in [ErasureSubject.number(Redacted("+49301234107")), .user(CallOwner("anna"))] {
            let share = try #require(subject.share(of: transferred))
            #expect(share.transferredTo?.number == nil)
            #expect(share.transferredTo?.lastDigits?.revealed == "55")
        }
    }

    @Test("Who was only put through to took part: the call is shown, and not whose it was")
    func onlyTransferredTo() throws {
        let share = try #require(ErasureSubject.number(Redacted("+493055555")).share(of: transferred))
        #expect(share.transferredTo == transferred.transferredTo)
        #expect(share.far.number == nil && share.far.name == nil && share.far.lastDigits?.revealed == "07")
        #expect(share.user == nil && share.device == nil)
        #expect(ErasureSubject.number(Redacted("+493055556")).share(of: transferred) == nil)
    }

    @Test("A person whose own number it is may see it; others' calls are not theirs")
    func own() throws {
        let subject = ErasureSubject.number(Redacted("+49301234107"), others: [Redacted("+493055555")])
        #expect(try #require(subject.share(of: transferred)).transferredTo == transferred.transferredTo)
        #expect(ErasureSubject.user(CallOwner("bert")).share(of: transferred) == nil)
    }
}
