// Control: the wire between the core and the web process.
//
// In the room: the messages (commands one way, replies, a snapshot and numbered events the other way), their
// framing on a unix stream socket, the server that the core runs and the client that the web process runs.
// Never in the room: what a command does (the Switchboard knows), who may send it (the web process knows),
// any SIP but what SIPTrace made fit to be shown, any HTTP.
//
// A frame is a length and one JSON object:
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |        length of the JSON in bytes, 1 to 262,144              |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |        JSON (RFC 8259), UTF-8 …
//
//     client                                      server
//       │ hello(client)                             │
//       │──────────────────────────────────────────▶│
//       │                snapshot(epoch, what is)   │
//       │◀──────────────────────────────────────────│
//       │                event(1), event(2), …      │
//       │◀──────────────────────────────────────────│
//       │ command(id)                               │
//       │──────────────────────────────────────────▶│
//       │                reply(id)                  │
//       │◀──────────────────────────────────────────│
