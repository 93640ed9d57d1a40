"""A town that is only looked at: what a live check finds in it, and on which line."""

from collections.abc import Iterable
from typing import Any

from town import OWN, RULES, Town
from watchdog.ports import Clock
from watchdog.remote import check_live
from watchdog.rulebook import check_rules
from watchdog.settings import load
from watchdog.survey.findings import Finding, Kind, Level

SECRETS = {"WATCHDOG_SECRET_SLACK_URL": "json://127.0.0.1:9/a", "WATCHDOG_SECRET_PAGER_URL": "json://127.0.0.1:9/b"}


def naming(target: str) -> str:
    """Rules that guard this one by name."""
    kept = [line for line in RULES.splitlines() if not line.startswith(("selector", "namespaces"))]
    return "\n".join(kept).replace("[guards.services]", f'[guards.services]\ntargets = ["{target}"]')


async def checked(
    here: Town, rules: str = RULES, *, environ: Any = None, clock: Clock | None = None, **settings: Any
) -> tuple[Finding, ...]:
    """What `check --live` finds with an administrator's kubeconfig."""
    report = check_rules(rules)
    assert not report.mistakes, report.mistakes
    given = {
        "kubeconfig": here.cluster.kubeconfig(here.folder / "kubeconfig"),
        "prometheus_url": here.prometheus.url,
        "namespace": OWN,
    } | settings
    return await check_live(load(**given), clock or here.clock, SECRETS if environ is None else environ, report)


def of(kind: Kind, findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind is kind]


def problems(findings: Iterable[Finding]) -> list[str]:
    """All but notes, as people read them."""
    return [finding.text for finding in findings if finding.level is not Level.NOTE]


def line_of(text: str, rules: str = RULES) -> int:
    """The number of the first line that has this text."""
    return next(number for number, line in enumerate(rules.splitlines(), 1) if text in line)
