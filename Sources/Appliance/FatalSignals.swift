internal import CShims

/// The signals of a crash, which the Swift runtime answers with a backtrace.
package enum FatalSignals {
    /// Lets such a signal end the process after its backtrace even if it was sent, as the service manager's watchdog does: the
    /// runtime alone would then go on as if nothing had happened.
    package static func endTheProcess() {
        sipcall_end_after_backtrace()
    }
}
