#include "CShims.h"

#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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

// Where the service manager listens (sd_notify(3)), made out beforehand: a handler may call little (signal-safety(7)).
static struct sockaddr_un manager;
static socklen_t manager_length;
static int to_manager = -1;

static void find_manager(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof manager.sun_path) return;
    manager.sun_family = AF_UNIX;
    memcpy(manager.sun_path, path, strlen(path));
    manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') manager.sun_path[0] = 0; // an abstract address
    else manager_length++;
    to_manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static volatile sig_atomic_t a_part_hangs = 0;

void sipcall_a_part_hangs(int does) {
    a_part_hangs = does;
}

// The manager allows the backtrace TimeoutAbortSec= of the unit, which is short: a process that stood still as a whole (SIGSTOP) is
// to be replaced soon, and what its threads did says nothing. Where one part hangs, its place in the code is what the report is
// for: then this asks for the time that a slow machine takes over it.
static void ask_for_time(void) {
    static const char message[] = "EXTEND_TIMEOUT_USEC=2000000";
    if (to_manager < 0 || !a_part_hangs) return;
    (void)sendto(
        to_manager, message, sizeof message - 1, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&manager, manager_length);
}

static void end_by_signal(int number, siginfo_t *info, void *context) {
    ask_for_time();
    void (*handler)(int, siginfo_t *, void *) = former[number].sa_sigaction;
    if (former[number].sa_flags & SA_SIGINFO) handler(number, info, context);
    // The runtime's handler has put the default back and returns: a fault happens again then and ends the process, but a signal that
    // somebody sent (systemd's watchdog) would be forgotten, and the process would go on until it is killed.
    signal(number, SIG_DFL);
    raise(number);
}

void sipcall_end_after_backtrace(void) {
    find_manager();
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
