// The few C macros and variadic functions that Swift cannot call, and what must be safe in a signal handler.
#ifndef SIPCALL_CSHIMS_H
#define SIPCALL_CSHIMS_H

#include <opus/opus.h>

/// `opus_encoder_ctl(encoder, request, value)` for the requests that take one integer.
int sipcall_opus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value);

/// Whether the clock follows a time server, as the kernel says (adjtimex(2), whose header is in no module of Swift's).
/// Returns 1, 0, or -1 if the kernel does not say; sets by how much it may be wrong.
int sipcall_clock_is_synchronised(long *error_microseconds);

/// Makes every fatal signal end the process once its backtrace is written, also one that was sent. Once, at the start.
void sipcall_end_after_backtrace(void);

/// While a part hangs, the service manager is asked for 2 s for the backtrace when it ends the process (EXTEND_TIMEOUT_USEC=,
/// sd_notify(3)).
void sipcall_a_part_hangs(int does);

/// Overwrites what calls that have returned left on this thread's stack.
void sipcall_scrub_stack(void);

/// Asks the name servers of /etc/resolv.conf one question and waits for the answer: libresolv, with its retries and its way by TCP when
/// an answer is cut short. `server` names another server (four bytes of an IPv4 address), or is NULL.
/// Returns the length of the answer's message, which may say that there is none, or -1 when nobody answered.
int sipcall_dns_ask(
    const char *name, int type, const unsigned char *server, unsigned short port, int timeout_seconds, int attempts,
    unsigned char *answer, int size);

#endif
