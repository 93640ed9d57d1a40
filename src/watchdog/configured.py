"""What this process goes by: the settings, as plain values, which need no library to be handed on.

`watchdog.settings` reads them from the environment.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

PREFIX = "WATCHDOG_"

# Not settings, but ours: channels' secrets, and what the end-to-end tests are told.
_OWN_PREFIXES = ("WATCHDOG_SECRET_", "WATCHDOG_E2E_")
# A Service named `watchdog` or `watchdog-metrics` makes Kubernetes set such variables in every pod beside it.
_SERVICE_LINK = re.compile(r"(SERVICE_(HOST|PORT)|PORT)(_[A-Z0-9_]*)?$")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class SettingsError(Exception):
    """Wrong settings. `problems` holds one line for each, naming the variable and what would be right."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["SettingsError"], tuple[tuple[str, ...]]]:
        return SettingsError, (self.problems,)


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Listen":
        """Read `0.0.0.0:8080` or `[::]:8080`; raises ValueError."""
        match = re.fullmatch(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", text.strip())
        if match is None:
            raise ValueError("it is not HOST:PORT")
        if match["six"]:
            ipaddress.IPv6Address(match["six"])
        elif not _HOST.fullmatch(match["host"]):
            raise ValueError("its host is none")
        if int(match["port"]) > 65535:
            raise ValueError("its port is too large")
        return cls(match["six"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings; `watchdog.settings.Environment` has their defaults, and says of each what would be right."""

    rules: Path
    prometheus_url: str | None
    prometheus_token_file: Path | None
    prometheus_ca_file: Path | None
    prometheus_cert_file: Path | None
    prometheus_key_file: Path | None
    prometheus_username: str | None
    prometheus_password_file: Path | None
    prometheus_headers_dir: Path | None
    prometheus_token_command: str | None
    prometheus_sigv4_region: str | None
    prometheus_public_url: str | None
    kubeconfig: Path | None
    context: str | None
    namespace: str
    listen: Listen
    tls_cert_file: Path | None
    tls_key_file: Path | None
    web_token_file: Path | None
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["json", "console"]
    dry_run: bool
    public_url: str | None
    records_kept: int
    shards: int
    secrets_dir: Path | None
    commands_dir: Path | None


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each `WATCHDOG_...` variable that means nothing, with the nearest name that does."""
    known = [variable(field.name) for field in fields(Settings)]
    return tuple(
        f"{name} is not a setting" + _nearest(name, known)
        for name in sorted(environ)
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.startswith(_OWN_PREFIXES)
        and not _SERVICE_LINK.search(name)
    )


def variable(field: str) -> str:
    """The variable of a field: `WATCHDOG_LOG_LEVEL` of `log_level`."""
    return PREFIX + field.upper()


def _nearest(name: str, known: list[str]) -> str:
    # Compared without the prefix, which they all share.
    words = {other.removeprefix(PREFIX): other for other in known}
    near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), words, n=1)
    return f"; did you mean {words[near[0]]}?" if near else f"; there are {', '.join(known)}"
