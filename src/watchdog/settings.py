"""Where and how the watchdog runs, from the environment: variables with the prefix `WATCHDOG_`.

Read by the verbs, which hand plain values on. What is judged, and how, stands in rules.toml instead. Loading this
module loads pydantic, 13 MiB: whoever only needs to know what settings there are takes `watchdog.configured`.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from watchdog.configured import PREFIX, Listen, Settings, SettingsError, unknown_variables, variable
from watchdog.domain.shards import MOST

__all__ = [
    "Environment",
    "Listen",
    "Settings",
    "SettingsError",
    "load",
    "own_namespace",
    "unknown_variables",
    "variable",
]

IN_CLUSTER_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "watchdog"

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _url(text: str) -> str:
    url = urlsplit(text.strip())
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("it is no http(s) URL of a server")
    if url.username is not None or url.password is not None:
        raise ValueError("it holds a user or password, which would show in links and logs")
    _ = url.port  # raises ValueError where it is none
    return text.strip().rstrip("/")


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


def _directory(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("there is no such directory")
    return path


def _namespace(text: str) -> str:
    if not _NAMESPACE.fullmatch(text):
        raise ValueError("it is no name of a namespace")
    return text


def _command(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError("it has a quote that is not closed") from None
    if not words:
        raise ValueError("it names no program")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", text):
        raise ValueError("it is no region")
    return text


def own_namespace(file: Path = IN_CLUSTER_NAMESPACE) -> str:
    """The namespace of the pod this runs in; `watchdog` where it runs in none."""
    try:
        return file.read_text().strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _listen(value: Any) -> Any:
    return Listen.parse(value) if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_url)]
File = Annotated[Path, AfterValidator(_file)]
Directory = Annotated[Path, AfterValidator(_directory)]


class Environment(BaseSettings):
    """The settings, each with its default. A description says what would be right; errors and documentation use it.

    `DRY_RUN` and the like take true/false, yes/no, 1/0. A variable that is empty counts as not set.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    rules: Path = Field(default=Path("rules.toml"), description="the path of the rules file, like rules.toml")
    prometheus_url: Url | None = Field(
        default=None, description="a URL without user and password, like http://prometheus:9090"
    )
    prometheus_token_file: File | None = Field(default=None, description="the path of a file that holds a bearer token")
    prometheus_ca_file: File | None = Field(default=None, description="the path of a file of CA certificates (PEM)")
    prometheus_cert_file: File | None = Field(
        default=None, description="the path of a file of our own certificate and its chain (PEM)"
    )
    prometheus_key_file: File | None = Field(default=None, description="the path of a file of its private key (PEM)")
    prometheus_username: str | None = Field(default=None, description="the name of a user, for basic authentication")
    prometheus_password_file: File | None = Field(
        default=None, description="the path of a file that holds the user's password"
    )
    prometheus_headers_dir: Directory | None = Field(
        default=None, description="the path of a directory with one file a header, named like X-Scope-OrgID"
    )
    prometheus_token_command: Annotated[str, AfterValidator(_command)] | None = Field(
        default=None, description="a program and its arguments, like gcloud auth print-access-token; no shell reads it"
    )
    prometheus_sigv4_region: Annotated[str, AfterValidator(_region)] | None = Field(
        default=None, description="the region of AWS that requests are signed for, like eu-west-1"
    )
    prometheus_public_url: Url | None = Field(
        default=None, description="the URL at which people reach Prometheus, like https://prometheus.example.com"
    )
    kubeconfig: File | None = Field(default=None, description="the path of a kubeconfig; leave it out inside a cluster")
    context: str | None = Field(default=None, description="the name of a context of the kubeconfig")
    namespace: Annotated[str, AfterValidator(_namespace)] = Field(
        default_factory=own_namespace, description="the name of the namespace for records and the lease, like watchdog"
    )
    listen: Annotated[Listen, NoDecode, BeforeValidator(_listen)] = Field(
        default=Listen("0.0.0.0", 8080),  # noqa: S104 - probes and scrapes come from other machines
        description="HOST:PORT, like 0.0.0.0:8080 or [::]:8080",
    )
    tls_cert_file: File | None = Field(
        default=None, description="the path of a file of the certificate and its chain to serve HTTPS with (PEM)"
    )
    tls_key_file: File | None = Field(default=None, description="the path of a file of its private key (PEM)")
    web_token_file: File | None = Field(
        default=None, description="the path of a file that holds the token that / and /api ask for"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] = Field(
        default="json", description="json or console"
    )
    dry_run: bool = Field(default=False, description="true or false")
    public_url: Url | None = Field(
        default=None, description="the URL at which people reach the watchdog, like https://watchdog.example.com"
    )
    records_kept: int = Field(default=200, ge=1, le=100_000, description="a whole number from 1 to 100000")
    shards: int = Field(default=1, ge=1, le=MOST, description=f"a whole number from 1 to {MOST}, the same everywhere")
    secrets_dir: Directory | None = Field(default=None, description="the path of a directory with one file a secret")
    commands_dir: Directory | None = Field(
        default=None, description="the path of a directory with the programs that token_command in rules.toml may name"
    )


def load(**instead: Any) -> Settings:
    """The settings of this process's environment, with those that are given `instead`.

    Raises `SettingsError` with every mistake at once.
    """
    try:
        found = Environment(**instead)
    except ValidationError as error:
        raise SettingsError(tuple(_problem(dict(fault)) for fault in error.errors(include_url=False))) from None
    settings = Settings(**{name: getattr(found, name) for name in Environment.model_fields})
    problems = tuple(_amiss(settings))
    if problems:
        raise SettingsError(problems)
    return settings


# What is nothing without the other.
_TOGETHER = (
    ("prometheus_cert_file", "prometheus_key_file"),
    ("prometheus_username", "prometheus_password_file"),
    ("tls_cert_file", "tls_key_file"),
)


# Prometheus is shown one of these.
_PROOFS = ("prometheus_token_file", "prometheus_username", "prometheus_token_command", "prometheus_sigv4_region")


def _amiss(settings: Settings) -> Iterator[str]:
    """What settings say that are right alone and wrong together."""
    for pair in _TOGETHER:
        given = [name for name in pair if getattr(settings, name) is not None]
        if len(given) == 1:
            (missing,) = set(pair) - set(given)
            what = Environment.model_fields[missing].description
            yield f"{variable(missing)} is not set, and {variable(given[0])} is nothing without it; write {what}"
    proofs = [name for name in _PROOFS if getattr(settings, name) is not None]
    if len(proofs) > 1:
        one, other = map(variable, proofs[:2])
        yield f"{one} and {other} are both set, and Prometheus can be shown only one of them; unset the other"


def _problem(fault: Mapping[str, Any]) -> str:
    name = str(fault["loc"][0])
    field: FieldInfo = Environment.model_fields[name.lower().removeprefix(PREFIX.lower())]
    cause = fault.get("ctx", {}).get("error")
    # Only our own validators' words are for people; an address's own complaint would repeat the value.
    why = f" ({cause})" if type(cause) is ValueError and str(cause).startswith(("it", "there")) else ""
    return f"{variable(name)}: {_shown(fault['input'])} is wrong{why}; write {field.description}"


def _shown(value: Any) -> str:
    text = str(value)
    if "@" in text:
        return "its value"  # a URL with a password in it
    return repr(text if len(text) <= 80 else text[:80] + "…")
