// Wire: what every protocol room shares about bytes, numbers and time.
//
// In the room: bounded readers and writers, network addresses, monotonic and NTP time, sequence
// arithmetic, identifiers, and the wrapper that keeps personal data out of logs.
// Never in the room: sockets, clocks that are read without being asked, anything of one protocol only.
