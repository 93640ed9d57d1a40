"""`[brakes]`: how often is rolled back, over all targets and on each."""

import re

from watchdog.domain.brakes import BRAKES, Brake, Brakes
from watchdog.rulebook.durations import parse_duration
from watchdog.rulebook.mistakes import Fault, shown
from watchdog.rulebook.shapes import Text
from watchdog.rulebook.tables import Fields, Key, Section

_LONGEST_DAYS = 7
_BRAKE = re.compile(r"(?P<most>[0-9]{1,4}) in (?P<window>[0-9a-z]+)")


def parse_brake(text: str) -> Brake:
    """Read "3 in 10m"; raises Fault."""
    remedy = 'write a number, " in " and a duration, as in "3 in 10m"'
    match = _BRAKE.fullmatch(text)
    if match is None:
        raise Fault(0, f"{shown(text)} is no brake", remedy)
    window = parse_duration(match["window"])
    if int(match["most"]) < 1:
        raise Fault(0, f"{shown(text)} lets nothing through", 'write 1 or more; action = "notify" never acts')
    if window.total_seconds() < 1 or window.days > _LONGEST_DAYS:
        raise Fault(match.start("window"), "the window is out of bounds", f"write 1s to {_LONGEST_DAYS}d")
    return Brake(int(match["most"]), window)


BRAKE = Text("brake", '"3 in 10m"', parse_brake, r"^[1-9][0-9]{0,3} in [0-9a-z]+$")
EVERY: Key[Brake] = Key(
    "all",
    BRAKE,
    "Rollbacks over all targets; what comes on top is held, and paged once: so many at once have a cause elsewhere.",
    BRAKES.every,
    '`"3 in 10m"`',
)
EACH: Key[Brake] = Key("target", BRAKE, "Rollbacks of each target.", BRAKES.target, '`"2 in 1h"`')
BRAKES_TABLE = Section("[brakes]", "table", (EVERY, EACH))


def read_brakes(fields: Fields | None) -> Brakes:
    """The brakes of a file, or the default ones."""
    return BRAKES if fields is None else Brakes(fields.get(EVERY), fields.get(EACH))
