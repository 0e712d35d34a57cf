// Systemd: what the service manager and the journal are told, and what they hand over.
//
// In the room: readiness and status (sd_notify(3)), the watchdog's judgement, inherited and stored descriptors
// (sd_listen_fds(3), sd_pid_notify_with_fds(3)), credentials, the journal's native protocol, and the table that
// gives every code of the box its MESSAGE_ID. Without systemd everything here does nothing and says so.
//
// Never in the room: decisions about calls, waiting of any kind, personal data. Notices and log lines leave by
// non-blocking sockets of our own and not through libsystemd, whose sockets block: a media loop or the switchboard
// that waits for a journal on a stalled disk would be as dead as a hung one. The formats are systemd's published,
// stable ones (systemd.io/JOURNAL_NATIVE_PROTOCOL, sd_notify(3) "Notes").
