// SDP: what two parties say about the media they want, and what they agree on.
//
// In the room: session descriptions as text (RFC 8866), offer and answer towards a telephone provider
// (RFC 3264) and towards a browser (RFC 8829, 8839, 8842, 9143), and the small values that the agreement
// ends in: codecs with their payload types, ICE credentials, certificate fingerprints, directions.
// Never in the room: sockets, SIP, keys, DTLS, anything that reads a clock; a call's policy.
