import Glibc

/// The kernel's random numbers, fetched 32 at a time: a call needs more than a hundred for its tags, branches, keys and
/// names, and the system's generator calls the kernel for each.
///
/// As good as the kernel's for secrets: nothing is derived, none stays in memory once it was given out, and none comes
/// twice: a class, because a copied value would repeat what waits in it. For programs that never fork.
package final class BufferedRandomGenerator: RandomNumberGenerator {
    private static let words = 32

    private var numbers: [UInt64] = []

    package init() {
        numbers.reserveCapacity(Self.words)
    }

    package func next() -> UInt64 {
        if numbers.isEmpty { fill() }
        let last = numbers.count - 1
        defer {
            numbers[last] = 0
            numbers.removeLast()
        }
        return numbers[last]
    }

    private func fill() {
        numbers.append(contentsOf: repeatElement(0, count: Self.words))
        // getrandom(2), or /dev/urandom where a filter of system calls refuses that; the C library ends a process that has
        // neither, as the standard library does.
        numbers.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { arc4random_buf(start, bytes.count) }
        }
    }
}
