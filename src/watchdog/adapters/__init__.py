"""Each adapter turns one outside thing into a port of `watchdog.ports`; adapters do not know each other."""
