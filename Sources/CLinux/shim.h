// What `import Glibc` leaves out: the Linux calls behind the media loops.
//
// Without _GNU_SOURCE, because Swift's own Glibc module is built without it: with it the two modules disagree
// about fd_set and the address arguments of the socket calls, and importing both fails. What only
// _GNU_SOURCE declares is therefore written out here, as in the manual pages.
#include <linux/types.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

/// recvmmsg(2), sendmmsg(2)
struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};
int recvmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);
int sendmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags);

/// pthread_setname_np(3); at most 15 letters.
int pthread_setname_np(pthread_t thread, const char *name);
