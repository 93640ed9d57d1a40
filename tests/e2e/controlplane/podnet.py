"""The pods' addresses: where they lie, and whether this machine answers for them."""

from __future__ import annotations

import socket

# EndpointSlices refuse loopback addresses, so pods get private ones. `in_netns.sh` makes the same range local
# within a network namespace of its own; elsewhere the addresses are names only, and nothing answers there.
POD_CIDR = "10.210.0.0/16"
POD_PORT = 8000


def pods_are_reachable() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("10.210.0.1", 0))
        except OSError:
            return False
    return True
