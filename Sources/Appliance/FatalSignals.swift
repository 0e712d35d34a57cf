internal import CShims

/// The signals of a crash, which the Swift runtime answers with a backtrace.
package enum FatalSignals {
    /// Lets such a signal end the process after its backtrace even if it was sent, as the service manager's watchdog does: the
    /// runtime alone would then go on as if nothing had happened.
    package static func endTheProcess() {
        sipcall_end_after_backtrace()
    }

    /// Whether the service manager's end, if it comes, comes because of a part: then it is asked for the time that the report of where
    /// that part is takes, beyond `TimeoutAbortSec=` of the unit.
    package static func aPartHangs(_ does: Bool) {
        sipcall_a_part_hangs(does ? 1 : 0)
    }
}
