"""The Prometheus servers that may be asked: that of the settings, and those that rules.toml names."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from watchdog.adapters.prometheus.live import LivePrometheus, OnQuery
from watchdog.adapters.prometheus.named import Closable, NamedSources, Unusable
from watchdog.adapters.prometheus.shown import Asked, Basic, HeaderFiles, Mounted, Resolved, Shown, Together
from watchdog.adapters.prometheus.sigv4 import Signing
from watchdog.adapters.prometheus.sparing import SparingPrometheus
from watchdog.adapters.prometheus.token_command import TokenCommand
from watchdog.adapters.secrets import SecretMissing
from watchdog.adapters.web.asking import Ears
from watchdog.configured import Settings
from watchdog.domain.rules import Rulebook
from watchdog.domain.sources import DEFAULT, SigV4, Source
from watchdog.ports import Clock, OutOfReach

NO_URL = "WATCHDOG_PROMETHEUS_URL is not set; write the URL of Prometheus"
_NO_PROGRAMS = "WATCHDOG_COMMANDS_DIR is not set; write the path of the directory with the programs that print tokens"
OnBytes = Callable[[int], None]

_CHANGING = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})


def unheard(_seconds: float, _reason: object) -> None:
    """For whoever does not count questions."""


def unweighed(_size: int) -> None:
    """For whoever does not weigh answers."""


@dataclass(frozen=True)
class Access:
    """What it takes to reach them: the settings, a way to find secrets (raises `SecretMissing`), and the time."""

    settings: Settings
    secret: Callable[[str], str]
    clock: Clock

    def live(
        self, name: str, known: Mapping[str, Source], on_query: OnQuery = unheard, on_bytes: OnBytes = unweighed
    ) -> LivePrometheus:
        """The source of that name, `DEFAULT` among them; raises `OutOfReach` that says what is missing for it."""
        return self.default(on_query, on_bytes) if name == DEFAULT else self.named(known[name], on_query, on_bytes)

    def default(self, on_query: OnQuery = unheard, on_bytes: OnBytes = unweighed) -> LivePrometheus:
        """The Prometheus of the settings, shown what they say; raises `OutOfReach` that names the setting at fault."""
        settings, (url, shown) = self.settings, self.reached(DEFAULT, {})
        try:
            return LivePrometheus(
                url,
                shown=shown,
                ca_file=settings.prometheus_ca_file,
                cert_file=settings.prometheus_cert_file,
                key_file=settings.prometheus_key_file,
                on_query=on_query,
                on_bytes=on_bytes,
            )
        except OSError as error:
            files = "WATCHDOG_PROMETHEUS_CA_FILE, _CERT_FILE, _KEY_FILE"
            raise OutOfReach(
                f"{files}: one of them holds no certificate, or the key is not that of the certificate"
                f" ({error.strerror or error})"
            ) from error

    def named(self, source: Source, on_query: OnQuery = unheard, on_bytes: OnBytes = unweighed) -> LivePrometheus:
        """A Prometheus of rules.toml; raises `OutOfReach`."""
        ca_file, shown = self.settings.prometheus_ca_file, Together(self._shown(source))
        try:
            return LivePrometheus(source.url, ca_file=ca_file, shown=shown, on_query=on_query, on_bytes=on_bytes)
        except OSError as error:
            raise OutOfReach(f"WATCHDOG_PROMETHEUS_CA_FILE holds no certificate ({error.strerror or error})") from error

    def certificate(self, name: str) -> tuple[Path, Path] | None:
        """Our own certificate and its key, which only the settings' Prometheus is shown."""
        cert, key = self.settings.prometheus_cert_file, self.settings.prometheus_key_file
        return (cert, key) if name == DEFAULT and cert is not None and key is not None else None

    def reached(self, name: str, known: Mapping[str, Source]) -> tuple[str, Shown]:
        """A source's URL, and what it is shown. Raises `OutOfReach`."""
        if name != DEFAULT:
            return known[name].url, Together(self._shown(known[name]))
        settings = self.settings
        if settings.prometheus_url is None:
            raise OutOfReach(NO_URL)
        files = settings.prometheus_token_file, settings.prometheus_username, settings.prometheus_password_file
        parts: list[Shown] = [Mounted(*files)]
        if settings.prometheus_headers_dir is not None:
            parts.append(HeaderFiles(settings.prometheus_headers_dir))
        if settings.prometheus_token_command is not None:
            parts.append(TokenCommand(shlex.split(settings.prometheus_token_command), self._now))
        if settings.prometheus_sigv4_region is not None:
            parts.append(self._signing(SigV4(settings.prometheus_sigv4_region)))
        return settings.prometheus_url, Together(parts)

    def _shown(self, source: Source) -> tuple[Shown, ...]:
        parts: list[Shown] = [Resolved(source.headers, self.secret)] if source.headers else []
        if source.token is not None:
            parts.append(Resolved({"Authorization": f"Bearer {source.token}"}, self.secret, "the token of the source"))
        if source.username is not None and source.password is not None:
            parts.append(Basic(source.username, source.password, self.secret))
        if source.token_command is not None:
            program = _program(source.token_command, self.settings.commands_dir)
            parts.append(TokenCommand([str(program)], self._now))
        if source.sigv4 is not None:
            parts.append(self._signing(source.sigv4))
        return tuple(parts)

    def _signing(self, sigv4: SigV4) -> Shown:
        return Signing(sigv4.region, sigv4.service, os.environ, self._now)

    def _now(self) -> float:
        return self.clock.now().timestamp()


def in_force(access: Access, rulebook: Rulebook, ears: Ears) -> NamedSources:
    """The sources as the daemon asks them: each behind a circuit breaker of its own, and heard. Raises `OutOfReach`."""

    def spared(live: LivePrometheus, name: str) -> SparingPrometheus:
        return SparingPrometheus(
            live, access.clock, name=name, on_open=partial(ears.opened, name), on_spared=partial(ears.spared, name)
        )

    def made(source: Source) -> Closable:
        live = access.named(source, partial(ears.queried, source.name), partial(ears.answered, source.name))
        return spared(live, source.name)

    default: Closable = Unusable(NO_URL)
    if access.settings.prometheus_url is not None:
        live = access.default(partial(ears.queried, DEFAULT), partial(ears.answered, DEFAULT))
        default = spared(live, DEFAULT)
    sources = NamedSources(default, made, gone=ears.gone)
    sources.take(rulebook.sources)
    return sources


def nobody_to_ask(rulebook: Rulebook, settings: Settings) -> str:
    """What is wrong where a guard chooses no source and the settings have none; "" for nothing."""
    blind = [guard.name for guard in rulebook.guards if guard.source == DEFAULT]
    if settings.prometheus_url is not None or not blind:
        return ""
    return f'{NO_URL}, or give guard "{blind[0]}" a source of [sources]'


def tenant_of(shown: Shown) -> str:
    """Of whom a server tells: two tenants have different pasts. Proofs that change with time do not count; "" for none.

    Holds secrets: to be hashed, never to be shown.
    """
    try:
        headers = shown.headers(Asked("GET", "https://tenant.invalid/", {}, b""))
    except SecretMissing:
        return ""
    lasting = [f"{name.lower()}: {value}" for name, value in headers.items() if name.lower() not in _CHANGING]
    proof = headers.get("Authorization", "")
    return "\n".join([*sorted(lasting), *([proof] if proof.startswith("Basic ") else [])])


def urls_of(names: Iterable[str], known: Mapping[str, Source], settings: Settings) -> tuple[str, ...]:
    """The addresses of these sources."""
    return tuple(known[name].url if name else settings.prometheus_url or "" for name in names)


def _program(name: str, directory: Path | None) -> Path:
    """A program by its name, which has no path in it: only what the operator put there is run."""
    if directory is None:
        raise OutOfReach(f'token_command = "{name}", and {_NO_PROGRAMS}')
    program = directory / name
    if not program.is_file() or not os.access(program, os.X_OK):
        raise OutOfReach(f'token_command = "{name}": there is no program {program}')
    return program
