// A disk that fails when it is told to: between SQLite and the kernel, for the files below one directory and one process at a time.
//
//     program ──pwrite, fsync, pread, …──▶ here ──▶ C library ──▶ kernel
//
// What to do stands in a file that both sides have mapped; see disk.py.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WELL = 0, FULL = 1, BROKEN = 2, TORN = 3 };

static volatile struct {
    int32_t mode;
    int32_t process;
    // So many operations are let through, and then so many fail.
    int32_t before;
    int32_t count;
    int32_t done;
} *order;
static char below[512];

__attribute__((constructor)) static void open_order(void) {
    const char *path = getenv("RIG_DISK"), *folder = getenv("RIG_DISK_BELOW");
    if (!path || !folder || strlen(folder) >= sizeof below) return;
    strcpy(below, folder);
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *page = mmap(0, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) order = page;
}

static int is_ours(int file) {
    char link[32] = "/proc/self/fd/", path[600];
    char digits[12];
    int count = 0, rest = file, at = (int)strlen(link);
    if (file < 0) return 0;
    do { digits[count++] = (char)('0' + rest % 10); rest /= 10; } while (rest > 0);
    while (count > 0) link[at++] = digits[--count];
    link[at] = 0;
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    if (strncmp(path, below, strlen(below)) != 0) return 0;
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

// What becomes of this operation.
static int fate(int file, int is_write, int is_read) {
    int kept = errno, fate = WELL;
    if (order && order->mode != WELL && order->process == getpid() && is_ours(file)) {
        int mode = order->mode;
        int concerns = mode == BROKEN || (mode == FULL && !is_read) || (mode == TORN && is_write);
        if (concerns && __sync_fetch_and_sub(&order->before, 1) <= 0 && __sync_fetch_and_sub(&order->count, 1) > 0) {
            __sync_fetch_and_add(&order->done, 1);
            fate = mode;
        }
    }
    errno = kept;
    return fate;
}

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

// Half of it reaches the disk, as whole sectors where it has more than one.
static size_t half(size_t count) { return count > 1024 ? count / 2 / 512 * 512 : count / 2; }

static int fail(int fate) {
    if (fate == TORN) kill(getpid(), SIGKILL);
    errno = fate == FULL ? ENOSPC : EIO;
    return -1;
}

static ssize_t write_at(int file, const void *bytes, size_t count, off64_t offset) {
    REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    int what = fate(file, 1, 0);
    if (what == WELL) return real(file, bytes, count, offset);
    real(file, bytes, half(count), offset);
    return fail(what);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) { return write_at(file, bytes, count, offset); }
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { return write_at(file, bytes, count, offset); }

ssize_t write(int file, const void *bytes, size_t count) {
    REAL("write", ssize_t, int, const void *, size_t);
    int what = fate(file, 1, 0);
    if (what == WELL) return real(file, bytes, count);
    real(file, bytes, half(count));
    return fail(what);
}

static ssize_t read_at(int file, void *bytes, size_t count, off64_t offset) {
    REAL("pread64", ssize_t, int, void *, size_t, off64_t);
    int what = fate(file, 0, 1);
    return what == WELL ? real(file, bytes, count, offset) : fail(what);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) { return read_at(file, bytes, count, offset); }
ssize_t pread(int file, void *bytes, size_t count, off_t offset) { return read_at(file, bytes, count, offset); }

ssize_t read(int file, void *bytes, size_t count) {
    REAL("read", ssize_t, int, void *, size_t);
    int what = fate(file, 0, 1);
    return what == WELL ? real(file, bytes, count) : fail(what);
}

int ftruncate64(int file, off64_t size) {
    REAL("ftruncate64", int, int, off64_t);
    int what = fate(file, 0, 0);
    return what == WELL ? real(file, size) : fail(what);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) {
    REAL("fsync", int, int);
    int what = fate(file, 0, 0);
    return what == WELL ? real(file) : fail(what);
}

int fdatasync(int file) {
    REAL("fdatasync", int, int);
    int what = fate(file, 0, 0);
    return what == WELL ? real(file) : fail(what);
}
