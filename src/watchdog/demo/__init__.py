"""`watchdog demo`: the simulator and the watchdog itself, wired together, with something to see."""
