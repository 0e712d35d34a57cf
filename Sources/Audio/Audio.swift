// Audio: sound as numbers.
//
// In the room: G.711 (ITU-T G.711), tones and what they are made of (ITU-T Q.23, O.133), level and purity meters.
// Samples are Int16, mono, at the rate that the caller names; a buffer is the caller's; nothing allocates.
// Never in the room: RTP, sockets, clocks, files, codecs that need a library.
