import Glibc

/// The process's standard streams, written in whole lines so that lines of several processes do not mix.
enum StandardStream: CInt {
    case output = 1
    case error = 2

    /// Writes what the system takes; a stream that is closed or full loses the line, never the process.
    func write(line: String) {
        var bytes = Array(line.utf8)[...]
        bytes.append(UInt8(ascii: "\n"))
        while !bytes.isEmpty {
            // Whoever reads may have stopped (Ctrl-S, a pager): calls do not wait for that.
            var stream = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
            guard poll(&stream, 1, 0) == 1 else { return }
            let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
