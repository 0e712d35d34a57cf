#include "CShims.h"

#include <sys/timex.h>
#include <signal.h>
#include <stddef.h>

int sipcall_opus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value) {
    return opus_encoder_ctl(encoder, request, value);
}

int sipcall_clock_is_synchronised(long *error_microseconds) {
    struct timex clock = {0};
    if (adjtimex(&clock) < 0) {
        return -1;
    }
    *error_microseconds = clock.esterror;
    return (clock.status & STA_UNSYNC) == 0;
}

// The handlers that were there before: the Swift runtime's, which write a backtrace (SWIFT_BACKTRACE in the units).
static struct sigaction former[NSIG];

static void end_by_signal(int number, siginfo_t *info, void *context) {
    void (*handler)(int, siginfo_t *, void *) = former[number].sa_sigaction;
    if (former[number].sa_flags & SA_SIGINFO) handler(number, info, context);
    // The runtime's handler has put the default back and returns: a fault happens again then and ends the process, but a signal that
    // somebody sent (systemd's watchdog) would be forgotten, and the process would go on until it is killed.
    signal(number, SIG_DFL);
    raise(number);
}

void sipcall_end_after_backtrace(void) {
    static const int numbers[] = {SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
    for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        const int number = numbers[index];
        // Without the runtime's handler the default ends the process, which is right.
        if (sigaction(number, NULL, &former[number]) != 0 || !(former[number].sa_flags & SA_SIGINFO)) continue;
        struct sigaction ours = former[number];
        ours.sa_sigaction = end_by_signal;
        sigaction(number, &ours, NULL);
    }
}
