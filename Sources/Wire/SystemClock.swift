import Glibc

extension MonotonicTime {
    /// Reads the clock. For programs and sockets only: a protocol machine is told the time.
    package static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }
}

extension NTPTime {
    /// Reads the wall clock, for RTCP sender reports.
    package static func now() -> NTPTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return NTPTime(unixSeconds: Int64(time.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: time.tv_nsec))
    }
}

extension WallTime {
    /// Reads the wall clock.
    package static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000)
    }
}
