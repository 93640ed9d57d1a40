"""A small cluster and its metrics behind the real HTTP protocols, in one process, on loopback.

It serves `watchdog demo` and the fast tests; the watchdog talks to it as to the real thing, through its real clients.
"""
