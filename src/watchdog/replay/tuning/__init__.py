"""`watchdog tune`: what another limit, `for` or confidence would have done, measured on the past, as a patch."""
