"""The health endpoints that a pod template names itself, as probes that the watchdog can make."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from watchdog.rulebook.mistakes import Fault
from watchdog.rulebook.values import PATH, parse_header_name
from watchdog.survey.cluster import Json

_KINDS = ("readinessProbe", "livenessProbe", "startupProbe")
_LONGEST_TIMEOUT = 5  # seconds: a probe is made each five
_LEAST_TIMEOUT = 2
_PLAIN_VALUE = re.compile(r"[\t -~]*")


@dataclass(frozen=True, slots=True)
class PodProbe:
    """A GET that answers whether a pod is well. `port` is the name or number of a declared port."""

    path: str
    port: str | int
    scheme: str
    timeout: int  # seconds
    headers: tuple[tuple[str, str], ...]
    of: tuple[str, ...]  # the kinds of the pod's own probes that make it: readiness, liveness, startup


@dataclass(frozen=True, slots=True)
class PodProbes:
    """The probes of a template, and why others of it cannot be made."""

    probes: tuple[PodProbe, ...] = ()
    notes: tuple[str, ...] = ()


def probes_of(template: Json, containers_left_out: tuple[str, ...]) -> PodProbes:
    """Each distinct GET that the template's containers are probed by, but for those of the left out ones (sidecars)."""
    spec = template.get("spec") or {}
    containers = [one for one in spec.get("containers") or () if one.get("name") not in containers_left_out]
    declared = {key for one in containers for port in one.get("ports") or () for key in _names_of(port)}
    found: dict[tuple[Any, ...], PodProbe] = {}
    notes: list[str] = []
    for kind, probe in _written(containers):
        made = _made(kind, probe, declared)
        if isinstance(made, str):
            notes.append(made)
            continue
        key = (made.path, made.port, made.scheme, made.headers)
        before = found.get(key)
        if before is not None:
            kinds = tuple(dict.fromkeys((*before.of, *made.of)))
            made = PodProbe(*key[:3], max(before.timeout, made.timeout), made.headers, kinds)
        found[key] = made
    if spec.get("hostNetwork") and found:
        return PodProbes(notes=("its pods are on the host's network, where the watchdog makes no probes",))
    return PodProbes(tuple(found.values()), tuple(dict.fromkeys(notes)))


def _written(containers: list[Json]) -> Iterator[tuple[str, Json]]:
    for name in _KINDS:
        for container in containers:
            probe = container.get(name)
            if probe:
                yield name.removesuffix("Probe"), probe


def _names_of(port: Mapping[str, Any]) -> tuple[str | int, ...]:
    return tuple(port[key] for key in ("name", "containerPort") if port.get(key))


def _made(kind: str, probe: Json, declared: set[str | int]) -> PodProbe | str:
    """The probe as the watchdog can make it, or why it cannot."""
    get = probe.get("httpGet")
    if get is None:
        how = next((key for key in ("tcpSocket", "exec", "grpc") if key in probe), "other")
        return f"its {kind} probe is no GET but {how}, which the watchdog does not make"
    path = str(get.get("path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    port = get.get("port", "")
    headers = tuple((str(one.get("name")), str(one.get("value") or "")) for one in get.get("httpHeaders") or ())
    if port not in declared:
        return f"the port of its {kind} probe ({port}) is not among its containers' declared ports"
    try:
        PATH.parse(path)
        for name, _ in headers:
            parse_header_name(name)
    except Fault as fault:
        return f"of its {kind} probe {fault.message}"
    if any("{{" in text or not _PLAIN_VALUE.fullmatch(text) for text in (path, *(value for _, value in headers))):
        return f"its {kind} probe has characters that rules.toml does not take"
    timeout = min(_LONGEST_TIMEOUT, max(_LEAST_TIMEOUT, int(probe.get("timeoutSeconds") or 1)))
    return PodProbe(path, port, str(get.get("scheme") or "HTTP").lower(), timeout, headers, (kind,))
