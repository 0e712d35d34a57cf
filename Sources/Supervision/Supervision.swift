// Supervision: a process watches over itself.
//
// In the room: the thread that drives the watchdog's judgement (`Systemd.Watchdog`), and probes that belong to no other
// room: storage. A probe asks a part to do what it is there for and tells the driver when that came back.
//
// Never in the room: what the parts are; each room that has threads or an actor of its own offers its own probe.
// Nothing here runs on Swift's cooperative pool, on an event loop or on a dispatch queue: whatever hangs there must not
// take the witness with it.
