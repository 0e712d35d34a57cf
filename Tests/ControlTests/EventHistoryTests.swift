import Control
import Testing
import Wire

@Suite("The newest events of the box")
struct EventHistoryTests {
    private func event(_ number: UInt64, _ kind: BoxEvent.Kind = .callRinging) -> BoxEvent {
        BoxEvent(number: number, time: WallTime(milliseconds: 0), kind: kind)
    }

    @Test("are given from any number on, a few at a time")
    func after() {
        var history = EventHistory()
        for number in 1...500 { history.keep(event(UInt64(number))) }
        #expect(history.after(0).map(\.number) == (1...200).map(UInt64.init))
        #expect(history.after(200).first?.number == 201)
        #expect(history.after(499).map(\.number) == [500])
        #expect(history.after(500) == [])
        #expect(history.after(.max) == [])
    }

    @Test("are bounded, and the oldest go first")
    func bounded() {
        var history = EventHistory()
        for number in 1...5555 { history.keep(event(UInt64(number))) }
        #expect(history.after(0).first?.number == 4556)
    }

    @Test("heartbeats push nothing out")
    func heartbeats() {
        var history = EventHistory()
        history.keep(event(1))
        for number in 2...9000 { history.keep(event(UInt64(number), .boxHeartbeat)) }
        #expect(history.after(0).map(\.number) == [1])
    }
}
