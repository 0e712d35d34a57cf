// ICE: how a browser finds and proves the way to the box's one UDP port.
//
// In the room: STUN messages on the caller's buffers (RFC 8489), their integrity and fingerprint, and the
// ICE-lite agent that answers connectivity checks (RFC 8445 §2.5, §7.3).
// Never in the room: sockets, clocks, gathering of candidates, TURN, session descriptions; and no work that a
// stranger can order: what names no call of ours costs no cryptography, what fails integrity gets no answer.
