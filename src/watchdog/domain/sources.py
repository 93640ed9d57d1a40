"""Sources: the Prometheus servers that rules.toml names, as `watchdog.rulebook` reads them. A guard chooses one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DEFAULT = ""
"""The name of the source that the settings say (`WATCHDOG_PROMETHEUS_URL`): that of guards which name none."""


@dataclass(frozen=True, slots=True)
class SigV4:
    """How requests to AWS are signed; the keys are those of the process, never of rules.toml."""

    region: str
    service: str = "aps"


@dataclass(frozen=True, slots=True)
class Source:
    """Where to ask, and what to show there: at most one of `token`, `token_command`, `username` and `sigv4`.

    The texts of `headers`, `token` and `password` may hold `{{ secret.NAME }}`, unresolved. `token_command` is the
    name of a program that the operator has put into a directory for this.
    """

    name: str
    url: str
    public_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    token_command: str | None = None
    username: str | None = None
    password: str | None = None
    sigv4: SigV4 | None = None


def named(sources: Iterable[Source]) -> Mapping[str, Source]:
    """The sources by their names."""
    return {source.name: source for source in sources}


def public_urls(sources: Iterable[Source]) -> Mapping[str, str | None]:
    """Where people reach each of them, if that is known."""
    return {source.name: source.public_url for source in sources}


def called(source: str) -> str:
    """A source, by its name, as people are told of it."""
    return f'Prometheus "{source}"' if source else "Prometheus"
