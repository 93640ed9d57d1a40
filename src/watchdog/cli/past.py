"""What verbs that replay the past share: which past, and how Prometheus is asked."""

import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from watchdog.cli.common import LARGEST_PAST, cluster_options, fail, read_file, run_async, settings_or_exit

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.rules import Rulebook
    from watchdog.replay.backtest import Rules, Wish
    from watchdog.replay.entries import Listed
    from watchdog.replay.session import Politeness
    from watchdog.sources import Access

T = TypeVar("T")

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=3650)
_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--since", default="14d", show_default=True, help="How far back: 6h, 14d."),
    click.option("--until", help="Up to this moment, with its UTC offset; else up to now."),
    click.option("--prometheus", help="Prometheus's URL; else WATCHDOG_PROMETHEUS_URL."),
    click.option("--switches", type=_FILE, help="A list of switches (TOML or JSON lines)."),
    click.option("--records", is_flag=True, help="Take switches and labels from the watchdog's own records."),
    click.option("--label", type=_FILE, help="A list of those that were really bad."),
    click.option(
        "--placebos", default=10, show_default=True, type=click.IntRange(0, 1000), help="Quiet windows a target."
    ),
    click.option("--seed", default=0, show_default=True, help="Chooses the quiet windows."),
    click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1, 32), help="Queries at a time."),
    click.option(
        "--max-samples", default=100_000_000, show_default=True, type=click.IntRange(1), help="To ask for at most."
    ),
    click.option("--cache", type=_FILE, help="Where answers are kept; else in the user's cache."),
    click.option("--no-cache", is_flag=True, help="Ask for everything anew, keep nothing."),
)


@dataclass(frozen=True, slots=True)
class Past:
    """Which past is replayed, and of which Prometheus."""

    access: "Access"
    settings: "Settings"
    wish: "Wish"
    politeness: "Politeness"


def past_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a replay; hand what they gave to `past_or_exit`."""
    command = cluster_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def past_or_exit(
    *, since: str, until: str | None, prometheus: str | None, switches: Path | None, records: bool, label: Path | None,
    placebos: int, seed: int, concurrency: int, max_samples: int, cache: Path | None, no_cache: bool, **cluster: Any,
) -> Past:  # fmt: skip
    """What the options ask for; wrong ones end with exit code 2."""
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.cli.moments import past_moment_of  # noqa: PLC0415
    from watchdog.replay.backtest import Wish  # noqa: PLC0415
    from watchdog.replay.session import Politeness, default_cache  # noqa: PLC0415

    settings = settings_or_exit(prometheus_url=prometheus, **cluster)
    now = SystemClock().now()
    end = past_moment_of("--until", until, now)
    listed, labels = _lists(switches, label, now, _recorded(settings) if records else None)
    unread = (*listed.notes, *labels.notes)
    span = _duration(since)
    wish = Wish(span, end, placebos, seed, listed.entries, labels.entries, recorded=records, unread=unread)
    kept = None if no_cache else cache or default_cache()
    return Past(_access(settings), settings, wish, Politeness(concurrency, max_samples, kept))


def _access(settings: "Settings") -> "Access":
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.adapters.secrets import SecretReader  # noqa: PLC0415
    from watchdog.sources import Access  # noqa: PLC0415

    return Access(settings, SecretReader(settings.secrets_dir, os.environ), SystemClock())


def asked_or_exit(past: Past, *rulebooks: "Rulebook") -> str:
    """The addresses that rules ask, for people; where a guard has nobody to ask it ends with exit code 2."""
    from watchdog.domain.sources import named  # noqa: PLC0415 - after --help
    from watchdog.sources import nobody_to_ask, urls_of  # noqa: PLC0415

    urls: dict[str, None] = {}
    for rulebook in rulebooks:
        if nobody_to_ask(rulebook, past.settings):
            fail("no Prometheus is named: set WATCHDOG_PROMETHEUS_URL or pass --prometheus", 2)
        urls |= dict.fromkeys(urls_of(rulebook.asked, named(rulebook.sources), past.settings))
    return ", ".join(urls)


def text_or_exit(name: str) -> str:
    """The text of a rules file or of a git revision's; one that cannot be read ends with exit code 2."""
    from watchdog.replay.session import NotFound, text_of  # noqa: PLC0415

    try:
        return text_of(name)
    except NotFound as error:
        fail(str(error), 2)


def rules_or_exit(name: str) -> "Rules":
    """The rules of a file or a git revision; mistakes are listed and end with exit code 2."""
    from watchdog.replay.backtest import Rules  # noqa: PLC0415
    from watchdog.rulebook import RulesError, read_rules  # noqa: PLC0415

    try:
        return Rules(name, read_rules(text_or_exit(name), name))
    except RulesError as error:
        for mistake in error.mistakes:
            click.echo(f"{mistake}", err=True)
        raise SystemExit(2) from None


def _duration(text: str) -> timedelta:
    from watchdog.rulebook.durations import parse_duration  # noqa: PLC0415

    try:
        span = parse_duration(text)
    except ValueError as error:
        fail(f"--since {text!r}: {error}", 2)
    if not _SHORTEST <= span <= _LONGEST:
        fail(f"--since {text!r}: write from 1m to {_LONGEST.days}d", 2)
    return span


def replay_or_exit(replay: Coroutine[Any, Any, T], url: str) -> T:
    """Run it; where `url` cannot be asked it ends with exit code 1, where a list is wrong with 2."""
    from watchdog.replay.asking_past import NotAnswered  # noqa: PLC0415
    from watchdog.replay.entries import ListInvalid  # noqa: PLC0415

    try:
        return run_async(replay)
    except NotAnswered as error:
        fail(f"{url} cannot be asked: {error}")
    except ListInvalid as error:
        fail(str(error), 2)


def _recorded(settings: "Settings") -> "Listed":
    from watchdog.cli.records import records_of  # noqa: PLC0415
    from watchdog.connected import DRY_RUN_SERIES  # noqa: PLC0415
    from watchdog.replay.recorded import of_records  # noqa: PLC0415

    return of_records(records_of(settings), series=DRY_RUN_SERIES if settings.dry_run else "")


def _lists(
    switches: Path | None, label: Path | None, now: datetime, records: "Listed | None"
) -> "tuple[Listed, Listed]":
    """What is replayed, and what is said of it; a list that is wrong ends with exit code 2."""
    from watchdog.replay.entries import Listed, ListInvalid  # noqa: PLC0415 - after --help
    from watchdog.replay.handwritten import read_list  # noqa: PLC0415

    def read(path: Path | None, said: str) -> Listed:
        if path is None:
            return Listed()
        return read_list(read_file(path, 2, largest=LARGEST_PAST), str(path), now=now, label=said)

    try:
        return read(switches, "").beside(records or Listed()), read(label, "bad")
    except ListInvalid as error:
        fail(str(error), 2)
