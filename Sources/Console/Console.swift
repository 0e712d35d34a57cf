// Console: what the operator's commands show, as plain text and values.
//
// In the room: the status screen, durations in words, what the doctor's findings mean, the redaction of what is sent
// to others. Never in the room: a socket, a file, a process, the clock: whoever runs a command reads those.
