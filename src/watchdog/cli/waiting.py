"""What `wait` and `switch` share: options, the progress that is shown, the exit code that an outcome means."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from watchdog.adapters.logs import printable

if TYPE_CHECKING:
    from rich.status import Status

    from watchdog.domain.rollout import Target
    from watchdog.domain.state import Watch
    from watchdog.domain.waiting import Wanted
    from watchdog.engine.waiting import Outlook, Waited

EXIT_CODES: Mapping[str, int] = MappingProxyType(
    {
        "passed": 0,
        "rolled-back": 3,
        "held": 4,
        "notified": 4,
        "failed": 4,
        "inconclusive": 4,
        "superseded": 5,
    }
)
REFUSED = 4
_HEARTBEAT = 30.0


def _duration(_ctx: click.Context, _option: click.Parameter, value: str) -> timedelta:
    """`90s`, `10m`, `1h30m`, as rules.toml writes durations."""
    from watchdog.rulebook.durations import parse_duration  # noqa: PLC0415 - after --help
    from watchdog.rulebook.mistakes import Fault  # noqa: PLC0415

    try:
        return parse_duration(value)
    except Fault as fault:
        raise click.BadParameter(f"{fault.message}; {fault.remedy}") from None


def waiting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--timeout`, `--open-within` and `-o`."""
    for option in (
        click.option(
            "-o",
            "--output",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="For people; or at the end one JSON object on standard output, the progress on standard error.",
        ),
        click.option(
            "--open-within",
            callback=_duration,
            default="2m",
            show_default=True,
            help="How long the watchdog is given to see the switch.",
        ),
        click.option(
            "--timeout", callback=_duration, default="1h", show_default=True, help="How long is waited in all."
        ),
    ):
        command = option(command)
    return command


def target_or_exit(text: str) -> "Target":
    """The target that is named; another text ends with exit code 2."""
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.domain.rollout import Target  # noqa: PLC0415

    try:
        return Target.parse(text)
    except ValueError as error:
        fail(str(error), 2)


class Progress:
    """A live line on a terminal; else a line whenever something changed, and one each half minute."""

    def __init__(self, *, errors: bool) -> None:
        self._errors = errors
        self._live: Status | None = None
        self._last = ""
        self._told_at: datetime | None = None
        stream = sys.stderr if errors else sys.stdout
        if stream.isatty():
            from rich.console import Console  # noqa: PLC0415 - only where it is seen

            self._live = Console(stderr=errors).status("")
            self._live.start()

    def say(self, line: str) -> None:
        """A line that stays."""
        self.stop()
        click.echo(printable(line), err=self._errors)

    def show(self, watch: "Watch", now: datetime) -> None:
        """How the watch stands; on standard output the end is told once, by whoever waited."""
        if watch.phase.terminal and not self._errors:
            return
        from rich.markup import escape  # noqa: PLC0415

        from watchdog.domain.waiting import standing  # noqa: PLC0415

        line = printable(f"{watch.switch.target}: {standing(watch, now)}")
        news = re.sub(r"\d+", "", line)
        if self._live is not None:
            self._live.update(escape(line))
            self._live.start()
            return
        due = self._told_at is None or (now - self._told_at).total_seconds() >= _HEARTBEAT
        if news != self._last or due:
            self._last, self._told_at = news, now
            click.echo(line, err=self._errors)

    def stop(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()


async def wait_for(
    wanted: "Wanted",
    outlook: "Outlook",
    *,
    timeout: timedelta,
    open_within: timedelta,
    output: str,
    accept_known_good: bool = False,
    base: str = "",
) -> int:
    """Wait, show how it goes and how it ended; the exit code. `base` is the URL under which watches are found."""
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
    from watchdog.engine.waiting import Patience, Waiting  # noqa: PLC0415

    progress = Progress(errors=output == "json")
    try:
        waiting = Waiting(outlook, SystemClock(), Patience(open_within, timeout), show=progress.show, say=progress.say)
        waited = await waiting.wait(wanted)
    finally:
        progress.stop()
    code = _code(waited, accept_known_good=accept_known_good)
    link = f"{base}/api/watches/{waited.watch.id}" if base and waited.watch is not None else ""
    _tell_end(wanted, waited, code, link, output)
    return code


def _code(waited: "Waited", *, accept_known_good: bool) -> int:
    if waited.watch is not None and waited.watch.outcome is not None:
        return EXIT_CODES[waited.watch.outcome.value]
    if waited.overtaken:
        return EXIT_CODES["superseded"]
    return 0 if waited.known_good and accept_known_good else EXIT_CODES["inconclusive"]


def tell_in_json(
    target: "Target",
    code: int,
    reason: str,
    *,
    outcome: str | None = None,
    recovery: str | None = None,
    watch: str | None = None,
    link: str | None = None,
) -> None:
    """How it ended, for programs: the same keys, whatever was waited for, or not."""
    ended = {"target": str(target), "exit": code, "outcome": outcome, "recovery": recovery, "reason": reason}
    click.echo(json.dumps({**ended, "watch": watch, "link": link}))


def _tell_end(wanted: "Wanted", waited: "Waited", code: int, link: str, output: str) -> None:
    from watchdog.domain.waiting import conclusion  # noqa: PLC0415

    watch = waited.watch
    outcome = watch.outcome.value if watch is not None and watch.outcome is not None else None
    recovery = watch.recovery.value if watch is not None and watch.recovery is not None else None
    reason = (conclusion(watch) if watch is not None and outcome else "") or waited.why
    if output == "json":
        outcome = outcome or ("superseded" if waited.overtaken else None)
        told = None if watch is None else watch.id
        tell_in_json(wanted.target, code, reason, outcome=outcome, recovery=recovery, watch=told, link=link or None)
        return
    how = ", ".join(filter(None, (outcome, recovery)))
    line = f"{wanted.target}: {how}: {reason}" if how else f"{wanted.target}: {reason}"
    click.echo(printable(line), err=code != 0)
    if watch is not None:
        click.echo(printable(f"watch: {link or f'watchdog explain {watch.id}'}"), err=code != 0)
