import CSystemd

extension Watchdog {
    /// - Returns: what the service manager asked for in `WATCHDOG_USEC`; nil when it asked for nothing, or asked
    ///   another process (sd_watchdog_enabled(3)).
    package static func interval() -> Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }
}
