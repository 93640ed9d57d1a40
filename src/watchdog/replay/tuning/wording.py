"""Why a value is suggested, or none, in one line each."""

from collections.abc import Sequence

from watchdog.replay.rendering.wording import duration, plural
from watchdog.replay.tuning.scoring import Score


def compared(changes: Sequence[tuple[str, str, str]], before: Score, after: Score) -> str:
    """`limit 5% -> 7%: 1 false alarm instead of 4 in 61 clean deploys, all 8 bad releases caught as before`."""
    what = ", ".join(f"{axis} {old} -> {new}" for axis, old, new in changes)
    said = [_alarms(before, after), _caught(before, after)]
    same = before.missed == after.missed
    if same and before.seconds is not None and after.seconds is not None and abs(after.seconds - before.seconds) >= 1.0:
        word = "sooner" if after.seconds < before.seconds else "later"
        said.append(f"{duration(abs(after.seconds - before.seconds))} {word} on average")
    return f"{what}: {', '.join(said)}"


def _alarms(before: Score, after: Score) -> str:
    clean = plural(after.clean, "clean deploy")
    if before.false_alarms == after.false_alarms:
        return f"{plural(after.false_alarms, 'false alarm')} in {clean} as before"
    return f"{plural(after.false_alarms, 'false alarm')} instead of {before.false_alarms} in {clean}"


def _caught(before: Score, after: Score) -> str:
    caught, of = after.bad - after.missed, plural(after.bad, "bad release")
    if before.missed == after.missed:
        return f"{caught} of {of} caught as before"
    return f"{caught} of {of} caught instead of {before.bad - before.missed}"


def nothing_better(settings: int, score: Score) -> str:
    """Nothing that was tried helps."""
    on = f"{plural(score.bad, 'bad release')} and {plural(score.clean, 'clean deploy')}"
    return f"stays: none of {plural(settings, 'other setting')} is better on {on} without being worse"


def too_few(bad: int, clean: int, fewest_bad: int, fewest_clean: int) -> str:
    """The past says too little."""
    had = f"{plural(bad, 'bad release')} and {plural(clean, 'clean deploy')}"
    return f"the data do not support a change: it was replayed on {had}; {fewest_bad} and {fewest_clean} are needed"


def not_confirmed(reason: str) -> str:
    """A whole replay did not bear a suggestion out."""
    return f"stays: replayed in full, what looked better was not ({reason})"
