// A machine whose clock follows a time server, as far as the kernel says so: one that does not lets nothing expire.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/timex.h>

int adjtimex(struct timex *clock) {
    int (*real)(struct timex *) = (int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex");
    if (real(clock) < 0) return -1;
    clock->status &= ~STA_UNSYNC;
    return TIME_OK;
}
