#if DEBUG
    import Glibc

    extension Switchboard {
        /// Blocks the actor for good. A release build does not have it.
        package func wedge() {
            while true { sleep(60) }
        }
    }
#endif
