#include "CShims.h"

#include <string.h>

/// Below this nothing of ours puts a number on a stack.
enum { DEPTH = 192 * 1024 };

__attribute__((noinline)) void sipcall_scrub_stack(void)
{
    unsigned char below[DEPTH];
    memset(below, 0, sizeof below);
    // The compiler must believe that somebody reads it.
    __asm__ volatile("" : : "r"(below) : "memory");
}
