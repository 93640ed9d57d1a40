"""A key that leaves: `q`, on a terminal whose line editing is off for as long."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator

_LEAVES = frozenset({b"q", b"Q", b"\x1b", b"\x04"})  # an arrow key begins with an escape as well, and is longer


@contextlib.contextmanager
def leaving_keys(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when somebody presses q, escape or Ctrl-D; nothing where standard input is no terminal."""
    try:
        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
    except (OSError, ValueError, termios.error):
        yield
        return
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        keys = os.read(keyboard, 64)
        if not keys:
            loop.remove_reader(keyboard)
        # Several at once were typed before anybody looked.
        if keys in _LEAVES or (b"q" in keys.lower() and not keys.startswith(b"\x1b")):
            stop.set()

    tty.setcbreak(keyboard, termios.TCSADRAIN)  # what was typed already is not thrown away
    loop.add_reader(keyboard, pressed)
    try:
        yield
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
