"""Addresses for simulated pods that nobody else on this machine uses."""

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_GUARD_PORT = 47999


@contextmanager
def free_octet(first: int = 0) -> Iterator[int]:
    """A second octet of 127.X.a.b for one cluster's pods; other clusters that ask here get another one meanwhile.

    `first` is tried first; without it, processes begin at different ones.
    """
    first = first or 16 + os.getpid() % 200
    for octet in itertools.chain(range(first, 250), range(16, first)):
        with socket.socket() as guard:
            try:
                guard.bind((f"127.{octet}.255.250", _GUARD_PORT))
            except OSError:
                continue
            yield octet
            return
    raise OSError("no range of loopback addresses is free for the pods")
