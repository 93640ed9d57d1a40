"""What a release is, what was measured of it, what the rules say, what may be done: pure, no I/O, no clock.

Nothing here awaits, logs, reads a clock or talks to anything: time comes in as a parameter and decisions
come out as values. All dataclasses are frozen; all times are aware datetimes in UTC.
"""
