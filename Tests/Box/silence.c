// A disk that does not answer, as long as a file is there: whoever flushes, or reads and writes at a place as databases do, waits.
//
// A frozen file system would hold the service manager as well, which prepares the directories of each start.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void wait_for_disk(int file) {
    const char *mark = getenv("RIG_SILENCE");
    char name[64], place[PATH_MAX] = "";
    if (mark == 0 || access(mark, F_OK) != 0) return;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    if (readlink(name, place, sizeof place - 1) < 0 || strstr(place, "/var/lib/sipcall/") == 0) return;
    while (access(mark, F_OK) == 0) usleep(20000);
}

#define FIND(name) if (right == 0) right = (__typeof__(right))dlsym(RTLD_NEXT, #name)

int fsync(int file) {
    static int (*right)(int);
    wait_for_disk(file);
    FIND(fsync);
    return right(file);
}

int fdatasync(int file) {
    static int (*right)(int);
    wait_for_disk(file);
    FIND(fdatasync);
    return right(file);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t place) {
    static ssize_t (*right)(int, void *, size_t, off64_t);
    wait_for_disk(file);
    FIND(pread64);
    return right(file, bytes, count, place);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
    static ssize_t (*right)(int, const void *, size_t, off64_t);
    wait_for_disk(file);
    FIND(pwrite64);
    return right(file, bytes, count, place);
}
