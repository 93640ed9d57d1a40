"""The NetworkPolicy under which the watchdog can do its work, and nothing else: made from rules.toml.

What a policy cannot name is left open by place and bounded by port: the API server and the channels have no pods to
select. Policies see the port of the pod that answers, not the one of its Service.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

from watchdog.adapters.kubernetes.kinds import NAME
from watchdog.domain.channels import Channel
from watchdog.domain.rules import Probe, Rulebook
from watchdog.domain.sources import named

Json = dict[str, Any]
Rule = tuple[str, Json]
"""One rule of the policy, and why it is there."""

POD_LABELS = {"app.kubernetes.io/name": NAME}
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"  # each namespace has it by itself
_API_PORTS = (443, 6443)
_PROMETHEUS_PORT = 9090  # its pods' own, where a Service hides it
_NODE_LOCAL_DNS = "169.254.20.10/32"
_HTTPS, _HTTP = 443, 80
_PORTS = {"mailto": (25,), "mailtos": (465, 587)}
_PLAIN = frozenset(
    {"http", "json", "xml", "form", "apprise", "gotify", "ntfy", "mmost", "rocket", "goalert", "signal", "matrix"}
)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")


def network_policy(rulebook: Rulebook, namespace: str, prometheus_url: str | None, listen_port: int = 8080) -> Json:
    """The policy for the watchdog's pods in `namespace`, as Kubernetes takes it."""
    ingress, egress = _rules(rulebook, namespace, prometheus_url, listen_port)
    return _policy(namespace) | {
        "spec": {
            "podSelector": {"matchLabels": POD_LABELS},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [rule for _, rule in ingress],
            "egress": [rule for _, rule in egress],
        }
    }


def as_yaml(rulebook: Rulebook, namespace: str, prometheus_url: str | None, listen_port: int = 8080) -> str:
    """The same policy for people: each rule with why it is there."""
    ingress, egress = _rules(rulebook, namespace, prometheus_url, listen_port)
    spec = {"podSelector": {"matchLabels": POD_LABELS}, "policyTypes": ["Ingress", "Egress"]}
    lines = ["# Made by `watchdog check --network-policy` from rules.toml: make it anew where that changes."]
    lines += _dumped(_policy(namespace) | {"spec": spec})
    for name, rules in (("ingress", ingress), ("egress", egress)):
        lines.append(f"  {name}:")
        for why, rule in rules:
            lines += [f"    # {why}", *(f"    {line}" for line in _dumped([rule]))]
    return "\n".join(lines) + "\n"


def _policy(namespace: str) -> Json:
    metadata = {"name": NAME, "namespace": namespace, "labels": POD_LABELS}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata}


def _dumped(value: object) -> list[str]:
    return yaml.dump(value, Dumper=_Plain, sort_keys=False).splitlines()


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _rules(
    rulebook: Rulebook, namespace: str, prometheus_url: str | None, listen_port: int
) -> tuple[list[Rule], list[Rule]]:
    scraped_from = {"ports": _tcp(listen_port)}
    scrapers = _place(urlsplit(prometheus_url or "").hostname or "", namespace)
    ingress = [("Whoever scrapes it; the kubelet's probes pass in any case", _at(scrapers, scraped_from))]
    dns: Json = {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            },
            {"ipBlock": {"cidr": _NODE_LOCAL_DNS}},
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
    egress = [
        ("DNS", dns),
        ("The API server, which no selector can name", {"ports": _tcp(*_API_PORTS)}),
        *_asked(rulebook, namespace, prometheus_url),
        *_channels(rulebook.channels, namespace),
        *_probes(rulebook),
    ]
    return ingress, egress


def _asked(rulebook: Rulebook, namespace: str, prometheus_url: str | None) -> Iterator[Rule]:
    """Prometheus, and each source that a guard chooses."""
    sources = named(rulebook.sources)
    addresses = [("Prometheus", prometheus_url)] if prometheus_url else []
    addresses += [(f"Source {name}", sources[name].url) for name in rulebook.asked if name]
    for what, address in addresses:
        url = urlsplit(address)
        place = _place(url.hostname or "", namespace)
        yield what, _reached(place, _prometheus_ports(url, within=place is not None))


def _prometheus_ports(url: SplitResult, *, within: bool) -> Iterable[int]:
    port = url.port or (_HTTPS if url.scheme == "https" else _HTTP)
    return sorted({port, _PROMETHEUS_PORT}) if within else [port]


def _channels(channels: Iterable[Channel], namespace: str) -> Iterator[Rule]:
    """One rule for each place, with all channels that are there."""
    places: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for channel in channels:
        places.setdefault(_told_at(channel), []).append(channel.name)
    for (host, ports), names in sorted(places.items()):
        what = f"Channel{'s' if len(names) > 1 else ''} {', '.join(names)}"
        yield what, _reached(_place(host, namespace), ports)


def _told_at(channel: Channel) -> tuple[str, tuple[int, ...]]:
    """The host, where it says anything to a policy, and the ports."""
    programs = channel.alertmanager or channel.cloudevents or channel.grafana
    address = channel.url or (programs.url if programs else "")
    scheme, separator, _ = address.partition("://")
    if not separator:
        return "", (_HTTPS,)  # a secret as a whole, or PagerDuty
    scheme = scheme.lower()
    default = _PORTS.get(scheme, (_HTTP,) if scheme in _PLAIN else (_HTTPS,))
    url = urlsplit(_PLACEHOLDER.sub("x", address))
    try:
        port = url.port
    except ValueError:  # what stands there is a secret
        port = None
    host = url.hostname or ""
    return (host if _place(host, "") is not None else ""), ((port,) if port else default)


def _probes(rulebook: Rulebook) -> Iterator[Rule]:
    ports: dict[str, set[str]] = {}
    for guard in rulebook.guards:
        probed = {rule.check.port for rule in guard.rules if isinstance(rule.check, Probe)}
        for namespace in {*guard.namespaces, *(target.namespace for target in guard.targets)} if probed else ():
            ports.setdefault(namespace, set()).update(probed)
    for namespace, probed in sorted(ports.items()):
        numbers = [int(port) if port.isdecimal() else port for port in sorted(probed)]
        yield f"Probes in {namespace}", _reached(_in_namespace(namespace), numbers)


def _place(host: str, own: str) -> Json | None:
    """Where a host is, as a policy can say it; None where it cannot."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return {"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}
    labels = host.rstrip(".").split(".")
    if len(labels) >= 3 and labels[2] == "svc":
        return _in_namespace(labels[1])
    # One label is a Service beside us. Two may be a Service elsewhere or a host of the internet: nothing is said.
    return _in_namespace(own) if len(labels) == 1 and host and own else None


def _in_namespace(namespace: str) -> Json:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: namespace}}}


def _reached(place: Json | None, ports: Iterable[int | str]) -> Json:
    rule: Json = {"ports": _tcp(*ports)}
    return rule if place is None else {"to": [place], **rule}


def _at(place: Json | None, rule: Json) -> Json:
    """An address block says where Prometheus answers, not whence it scrapes."""
    return rule if place is None or "ipBlock" in place else {"from": [place], **rule}


def _tcp(*ports: int | str) -> list[Json]:
    return [{"protocol": "TCP", "port": port} for port in ports]
