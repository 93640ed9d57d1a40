"""Builds what a backtest takes and runs it: the composition root of `watchdog backtest`."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.adapters.prometheus.cache import AnswerCache
from watchdog.adapters.prometheus.history import HistoryPrometheus, Spending
from watchdog.domain.rules import Rulebook
from watchdog.replay.backtest import Backtest, Progress, Rules, Wish
from watchdog.replay.comparing import compared
from watchdog.replay.histories import Histories
from watchdog.replay.report import Comparison, Report
from watchdog.sources import Access, tenant_of

_GIT_PATIENCE = 30.0


class NotFound(Exception):
    """No such file or revision."""


@dataclass(frozen=True, slots=True)
class Politeness:
    """How Prometheus is treated, and where its answers are kept (None: nowhere)."""

    concurrency: int = 4
    max_samples: int | None = None
    cache: Path | None = None


async def backtest(
    access: Access,
    rules: Rules,
    against: Rules | None,
    wish: Wish,
    politeness: Politeness,
    *,
    progress: Progress | None = None,
) -> tuple[Report, Comparison | None]:
    """The report on `rules`, and how it differs from that on `against`.

    Raises `NotAnswered`, `ListInvalid`, and `OutOfReach` where something is missing to ask a source.
    """
    files: Sequence[Rules] = (rules,) if against is None else (rules, against)
    async with histories_of(access, [one.book for one in files], politeness) as sources:
        reports = await Backtest(sources, access.clock, wish, progress or Progress()).run(files)
    return reports[0], None if against is None else compared(reports[1], reports[0], reports[1].rules_file)


def histories_of(access: Access, rulebooks: Sequence[Rulebook], politeness: Politeness) -> Histories:
    """The past of each source that a guard asks, to be entered and left. Raises `OutOfReach`.

    Where two rules files call different servers by one name, that of the first is asked.
    """
    known = {source.name: source for rulebook in reversed(rulebooks) for source in rulebook.sources}
    names = dict.fromkeys(name for rulebook in rulebooks for name in rulebook.asked)
    spent = Spending()

    def opened(name: str) -> HistoryPrometheus:
        url, shown = access.reached(name, known)
        cache = None
        if politeness.cache is not None:
            # The URL alone where there is no tenant: what was kept before there were any is still good.
            of = "\n".join(filter(None, (url, tenant_of(shown))))
            cache = AnswerCache(politeness.cache, of, access.clock.now().timestamp())
        return HistoryPrometheus(
            url,
            shown=shown,
            ca_file=access.settings.prometheus_ca_file,
            certificate=access.certificate(name),
            concurrency=politeness.concurrency,
            max_samples=politeness.max_samples,
            spent=spent,
            cache=cache,
        )

    return Histories({name: opened(name) for name in names})


def text_of(name: str) -> str:
    """A rules file, or one of a git revision as `main:rules.toml`. Raises `NotFound`."""
    path = Path(name)
    if path.exists() or ":" not in name:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        shown = subprocess.run(  # noqa: S603 - no shell, and git takes what follows for a revision
            ["git", "show", "--end-of-options", name],  # noqa: S607
            capture_output=True,
            timeout=_GIT_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFound(f"git cannot show {name}: {error}") from error
    if shown.returncode != 0:
        said = shown.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise NotFound(f"git cannot show {name}: {said or 'no reason given'}")
    try:
        return shown.stdout.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotFound(f"{name} is not UTF-8") from error


def default_cache() -> Path:
    """`rollback-watchdog/prometheus` in the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "rollback-watchdog" / "prometheus"
