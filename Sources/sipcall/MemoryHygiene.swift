/// What keeps data from lying about in memory that nobody uses any more.
enum MemoryHygiene {
    /// Of the C library (`GLIBC_TUNABLES`, ld.so(8)), for the process that reads records. Freed memory is overwritten; without lists
    /// for each thread, which come before that, and without the stacks of threads that have ended.
    static let tunables =
        "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0:glibc.pthread.stack_cache_size=0"
}
