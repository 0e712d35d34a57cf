// Shifts what a program reads of the wall clock, and nothing else, by the seconds that stand in a file.
//
// libfaketime also bends timers that count the time since boot (timerfd with TFD_TIMER_ABSTIME), which a real setting of the
// clock does not touch: https://github.com/wolfcw/libfaketime
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int (*right)(clockid_t, struct timespec *);

__attribute__((constructor)) static void open_shift(void) {
    right = dlsym(RTLD_NEXT, "clock_gettime");
    int file = open(getenv("RIG_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *page = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || page == MAP_FAILED) abort();
    close(file);
    shift = page;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (right == 0) right = dlsym(RTLD_NEXT, "clock_gettime");
    int code = right(clock, time);
    if (code == 0 && shift != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *shift;
    return code;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    if (code == 0) *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return code;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != 0) *place = now.tv_sec;
    return now.tv_sec;
}
