"""How the watchdog itself is, as facts for its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from watchdog.adapters.web.heard import Heard, Last
from watchdog.adapters.web.pages import Fact, Health
from watchdog.configured import Settings
from watchdog.domain.brakes import Act, Pause
from watchdog.domain.judge.verdict import span
from watchdog.domain.sources import called

_LATELY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Around:
    """The pause, and the acts of late; `unreadable` says why they are not known."""

    pause: Pause | None
    acts: tuple[Act, ...]
    unreadable: str = ""


class Asked(Protocol):
    """What is asked beside the settings."""

    @property
    def heard(self) -> Heard:
        """What was last heard of Prometheus and the channels."""
        ...

    def role(self) -> str:
        """Leader, or standby of whom."""
        ...

    def rules(self) -> tuple[str, str]:
        """The digest of the rules in force, and what is wrong with the file."""
        ...


def health_of(
    settings: Settings, asked: Asked, around: Around, troubles: Sequence[str], capped: Sequence[str], now: datetime
) -> Health:
    """All facts, in the order in which a person would ask."""
    paused = around.pause is not None and around.pause.holds(now)
    facts = [
        Fact("role", asked.role(), "good"),
        _writes(settings),
        _pause(around, paused=paused),
        _acts(around, now),
        _rules(settings, *asked.rules()),
        Fact("API server", "; ".join(troubles) or "reached", "bad" if troubles else "good"),
        *_prometheus(settings, asked.heard, now),
        *(_reached(f"channel {name}", last, "", now) for name, last in sorted(asked.heard.channels.items())),
    ]
    if asked.heard.eased:
        facts.append(Fact("Prometheus is spared", asked.heard.eased, "doubt"))
    if capped:
        facts.append(Fact("capped calibrations", ", ".join(capped), "doubt"))
    alarms = []
    if around.unreadable:
        alarms.append(f"Nothing acts: whether acts are paused cannot be read ({around.unreadable}).")
    if around.pause is not None and paused:
        alarms.append(f"Nothing acts: {around.pause.sentence}.")
    return Health(tuple(facts), tuple(alarms))


def _prometheus(settings: Settings, heard: Heard, now: datetime) -> Iterator[Fact]:
    """That of the settings, if there is one, and those that the rules name and that were asked."""
    if settings.prometheus_url is not None or not heard.sources:
        yield _reached("Prometheus", heard.prometheus, "nothing was asked yet", now)
    for name, last in sorted(heard.sources.items()):
        yield _reached(called(name), last, "", now)


def _writes(settings: Settings) -> Fact:
    if settings.dry_run:
        return Fact("dry run", "yes: it judges and tells, and writes nothing", "doubt")
    return Fact("dry run", "no: it may put traffic back", "good")


def _pause(around: Around, *, paused: bool) -> Fact:
    if around.unreadable:
        return Fact("pause", f"cannot be read: {around.unreadable}", "bad")
    if paused and around.pause is not None:
        return Fact("pause", around.pause.sentence, "doubt")
    return Fact("pause", "none", "good")


def _acts(around: Around, now: datetime) -> Fact:
    lately = [act for act in around.acts if now - act.at < _LATELY]
    if not lately:
        return Fact("rollbacks in the last hour", "none")
    names = ", ".join(sorted({str(act.target) for act in lately}))
    return Fact("rollbacks in the last hour", f"{len(lately)}: {names}")


def _rules(settings: Settings, digest: str, problem: str) -> Fact:
    if problem:
        first = problem.splitlines()[0]
        why = f"the file is invalid, the last valid rules ({digest[:12]}) stay in force: {first}"
        return Fact("rules", why, "bad")
    return Fact("rules", f"{settings.rules.name}, {digest[:12]}", "good")


def _reached(name: str, last: Last | None, never: str, now: datetime) -> Fact:
    if last is None:
        return Fact(name, never)
    when = f"{span(max(now - last.at, timedelta(0)))} ago"
    if not last.wrong:
        return Fact(name, f"well {when}", "good")
    since = f"; well at {last.well:%H:%M:%S} UTC" if last.well else ""
    return Fact(name, f"{last.wrong} ({when}{since})", "bad")
