#include "CShims.h"

#include <sys/timex.h>

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
