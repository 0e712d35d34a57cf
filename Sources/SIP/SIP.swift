// SIP: what stands between messages and calls.
//
// In the room: timers and the four transactions (RFC 3261 §17, RFC 6026), the layer that matches messages to
// them, dialogs (§12), registration (§10, RFC 5626 §4.5), digest authentication on both sides (RFC 8760, 7616,
// 2617), and on top the user agent (§8, §13–15) that a trunk is spoken to with: forked calls, PRACK (RFC 3262), UPDATE
// (RFC 3311), session timers (RFC 4028), transfer (RFC 3515, 3891, 3892, 5589), who calls (RFC 3323, 3325).
// Never in the room: sockets, names to be resolved, a clock, randomness without a seed, SDP beyond the few lines that
// a renewed answer changes, audio, anybody's policy about who may call whom.
// All of it is values: `now`, messages and random bits come in, effects go out.
