// Appliance: what outlives a process of the box on its disk: the report of a crash, and the version of the state.
//
// In the room: small files, written whole or not at all, and read with bounds, since what lies on a disk may be broken.
// Never in the room: sockets, decisions about calls, personal data. A crash report holds no number, no name, no register and
// no memory: it is meant to be given away when somebody asks for help.
