"""The rig: real peers around the box, in network namespaces of their own.

Nothing here imitates the box or its peers. Kamailio is the provider, baresip the telephone behind it, Chromium with a
fake microphone the user. What the rig adds is a network, tones to listen for, and a clock.

Start it with `packaging/test` and `packaging/check`.
"""
