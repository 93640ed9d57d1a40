"""Durations that options give."""

from datetime import timedelta

from watchdog.cli.common import fail


def span_or_exit(option: str, text: str, shortest: timedelta, longest: timedelta) -> timedelta:
    """`90s`, `1h30m`, as rules.toml writes them; what is none, or out of bounds, ends with exit code 2."""
    from watchdog.rulebook.durations import duration_text, parse_duration  # noqa: PLC0415 - after --help
    from watchdog.rulebook.mistakes import Fault  # noqa: PLC0415

    try:
        span = parse_duration(text)
    except Fault as fault:
        fail(f"{option}: {fault.message}; {fault.remedy}", 2)
    if not shortest <= span <= longest:
        bounds = f"write at least {duration_text(shortest)} and at most {duration_text(longest)}"
        fail(f"{option} {text!r} is out of bounds; {bounds}", 2)
    return span
