import CLinux
import Glibc
import Synchronization
import Testing
import Wire

@testable import Media

@Suite("The media loop's mailbox")
struct MailboxTests {
    private func isAwake(_ mailbox: Mailbox) -> Bool {
        var descriptor = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 1
    }

    @Test("Wakes the loop at once by itself; through another loop once for all that is posted in a turn")
    func once() throws {
        let mailbox = try Mailbox()
        mailbox.post(.close(LegIdentifier(number: 1)))
        #expect(isAwake(mailbox) && mailbox.drain().count == 1)
        let turn = Turn()
        mailbox.wakes { work in turn.waiting.withLock { $0.append(work) } }
        for number: UInt64 in 1...3 { mailbox.post(.close(LegIdentifier(number: number))) }
        #expect(!isAwake(mailbox))
        #expect(turn.end() == 1)
        #expect(isAwake(mailbox) && mailbox.drain().count == 3)
        // Taken already: nobody is woken for nothing, and the next one is not forgotten.
        mailbox.post(.close(LegIdentifier(number: 4)))
        #expect(mailbox.drain().count == 1)
        #expect(turn.end() == 1 && !isAwake(mailbox))
        mailbox.post(.close(LegIdentifier(number: 5)))
        #expect(turn.end() == 1 && isAwake(mailbox) && mailbox.drain().count == 1)
    }

    @Test("What is urgent waits for no turn, and takes along what does")
    func urgent() throws {
        let mailbox = try Mailbox()
        let turn = Turn()
        mailbox.wakes { work in turn.waiting.withLock { $0.append(work) } }
        mailbox.post(.close(LegIdentifier(number: 1)))
        mailbox.post(.stop, isUrgent: true)
        #expect(isAwake(mailbox) && mailbox.drain().count == 2)
        #expect(turn.end() == 1 && !isAwake(mailbox))
    }

    /// Of somebody's loop.
    private final class Turn: Sendable {
        let waiting = Mutex<[@Sendable () -> Void]>([])

        func end() -> Int {
            let due = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for work in due { work() }
            return due.count
        }
    }
}
