#if DEBUG
    import Glibc
    import NIOCore

    extension SIPTransport {
        /// Blocks the sockets' loop for good. A release build does not have it.
        package func wedge() {
            loop.execute { while true { sleep(60) } }
        }
    }
#endif
