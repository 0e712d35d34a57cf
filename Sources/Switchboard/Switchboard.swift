// Switchboard
