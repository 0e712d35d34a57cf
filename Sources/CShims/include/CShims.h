// The few C macros and variadic functions that Swift cannot call, and what must be safe in a signal handler.
#ifndef SIPCALL_CSHIMS_H
#define SIPCALL_CSHIMS_H

#include <opus/opus.h>

/// `opus_encoder_ctl(encoder, request, value)` for the requests that take one integer.
int sipcall_opus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value);

/// Makes every fatal signal end the process once its backtrace is written, also one that was sent. Once, at the start.
void sipcall_end_after_backtrace(void);

#endif
