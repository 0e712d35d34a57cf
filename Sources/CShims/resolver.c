#include "CShims.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

int sipcall_dns_ask(
    const char *name, int type, const unsigned char *server, unsigned short port, int timeout_seconds, int attempts,
    unsigned char *answer, int size) {
    // A state of its own for each question: no thread shares one, and a changed resolv.conf counts at once.
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return -1;
    state.retrans = timeout_seconds;
    state.retry = attempts;
    if (server != NULL) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&address.sin_addr, server, 4);
        state.nscount = 1;
        state.nsaddr_list[0] = address;
        state._u._ext.nscount = 0;
    }
    unsigned char question[NS_PACKETSZ];
    // Not res_nquery: it keeps back the message that says "there is none" and for how long that holds.
    int length = res_nmkquery(&state, ns_o_query, name, ns_c_in, type, NULL, 0, NULL, question, sizeof question);
    if (length > 0) length = res_nsend(&state, question, length, answer, size);
    res_nclose(&state);
    return length > 0 && length <= size ? length : -1;
}
