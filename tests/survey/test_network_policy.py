"""`watchdog check --network-policy`: what the rules need to reach, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.verbs import call
from watchdog.rulebook import read_rules
from watchdog.survey.network_policy import as_yaml, network_policy

PROMETHEUS = "http://prometheus.monitoring.svc:9090"
RULES = """
version = 1

[guards.shop]
targets  = ["shop/deployment/cart"]
rules    = ["health", "ready"]
channels = ["releases"]

[guards.bank]
namespaces = ["bank", "vault"]
selector   = "app=bank"
rules      = ["ready"]
channels   = ["releases"]

[rules.health]
probe    = { path = "/health", port = "http" }

[rules.ready]
probe    = { path = "/ready", port = "8081" }

[channels.releases]
url = "URL"
"""


def egress(url: str = "{{ secret.URL }}", prometheus: str = PROMETHEUS) -> list[dict[str, Any]]:
    rulebook = read_rules(RULES.replace('"URL"', f'"{url}"'), "")
    found: list[dict[str, Any]] = network_policy(rulebook, "watchdog", prometheus)["spec"]["egress"]
    return found


def ports(rule: dict[str, Any]) -> list[int | str]:
    return [each["port"] for each in rule["ports"]]


def namespace(rule: dict[str, Any]) -> str:
    (place,) = rule["to"]
    return str(place["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])


def test_each_guarded_namespace_may_be_probed_at_its_own_ports_alone() -> None:
    probed = {namespace(rule): ports(rule) for rule in egress()[4:]}
    assert probed == {"bank": [8081], "shop": [8081, "http"], "vault": [8081]}


def test_rules_without_a_probe_reach_no_pod() -> None:
    text = RULES.replace('probe    = { path = "/health", port = "http" }', 'signs = ["crash-loop"]')
    text = text.replace('probe    = { path = "/ready", port = "8081" }', 'signs = ["image-pull"]')
    rulebook = read_rules(text.replace('"URL"', '"{{ secret.URL }}"'), "")
    assert len(network_policy(rulebook, "watchdog", PROMETHEUS)["spec"]["egress"]) == 4


@pytest.mark.parametrize(
    ("url", "place", "reached"),
    [
        ("{{ secret.URL }}", None, [443]),
        ("slack://{{ secret.A }}/{{ secret.B }}/{{ secret.C }}", None, [443]),
        ("mailtos://{{ secret.USER }}:{{ secret.PASSWORD }}@smtp.example.com", None, [465, 587]),
        ("mailtos://{{ secret.USER }}:{{ secret.PASSWORD }}@smtp.example.com:2525", None, [2525]),
        ("json://hooks.chat.svc:8080/x", {"matchLabels": {"kubernetes.io/metadata.name": "chat"}}, [8080]),
        ("jsons://hooks.example.com/x", None, [443]),
        ("json://hooks.example.com/x", None, [80]),
    ],
)
def test_a_channel_is_reached_where_its_url_says(url: str, place: object, reached: list[int]) -> None:
    is_reached(egress(url)[3], place, reached)


@pytest.mark.parametrize(
    ("channel", "place", "reached"),
    [
        ('alertmanager = { url = "http://alertmanager.monitoring:9093" }', None, [9093]),
        ('alertmanager = { url = "http://alertmanager.monitoring.svc" }', "monitoring", [80]),
        ('cloudevents = { url = "https://hooks.example.org:8443/x", key = "{{ secret.KEY }}" }', None, [8443]),
        ('grafana = { url = "http://grafana.monitoring:3000/g", token = "{{ secret.T }}" }', None, [3000]),
        ('cloudevents = { url = "https://hooks.example.org/x", key = "{{ secret.KEY }}" }', None, [443]),
        ('pagerduty = { routing_key = "{{ secret.KEY }}" }', None, [443]),
    ],
)
def test_so_are_those_of_other_kinds(channel: str, place: str | None, reached: list[int]) -> None:
    rulebook = read_rules(RULES.replace('url = "URL"', channel), "")
    labels = None if place is None else {"matchLabels": {"kubernetes.io/metadata.name": place}}
    is_reached(network_policy(rulebook, "watchdog", PROMETHEUS)["spec"]["egress"][3], labels, reached)


def is_reached(channel: dict[str, Any], place: object, reached: list[int]) -> None:
    assert ports(channel) == reached
    assert channel.get("to") == (None if place is None else [{"namespaceSelector": place}])


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        (PROMETHEUS, [9090]),
        ("http://prometheus-server.monitoring.svc.cluster.local", [80, 9090]),
        ("https://prometheus.example.com", [443]),
        ("http://prometheus.monitoring:9090", [9090]),
    ],
)
def test_prometheus_is_reached_at_the_port_of_its_url_and_of_its_pods(url: str, reached: list[int]) -> None:
    rule = egress(prometheus=url)[2]
    assert ports(rule) == reached
    assert ("to" in rule) == (".svc" in url), "what may be a host of the internet cannot be selected"


def test_an_address_is_one_address_and_nobody_scrapes_from_it() -> None:
    rulebook = read_rules(RULES.replace('"URL"', '"{{ secret.URL }}"'), "")
    spec = network_policy(rulebook, "watchdog", "http://10.1.2.3:9090")["spec"]
    assert spec["egress"][2]["to"] == [{"ipBlock": {"cidr": "10.1.2.3/32"}}]
    assert "from" not in spec["ingress"][0]


def test_what_is_printed_is_the_policy_with_its_reasons() -> None:
    rulebook = read_rules(RULES.replace('"URL"', '"{{ secret.URL }}"'), "")
    text = as_yaml(rulebook, "watchdog", PROMETHEUS)
    assert yaml.safe_load(text) == network_policy(rulebook, "watchdog", PROMETHEUS)
    assert "# Probes in vault" in text


def test_the_verb_prints_it_and_says_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES.replace('"URL"', '"{{ secret.URL }}"'))
    printed = call("check", "--network-policy", "-n", "guards", str(file), PROMETHEUS_URL=PROMETHEUS)
    assert printed.exit_code == 0
    assert yaml.safe_load(printed.stdout)["metadata"]["namespace"] == "guards"
    nowhere = call("check", "--network-policy", str(file))
    assert nowhere.exit_code == 2
    assert nowhere.stderr.startswith("watchdog: WATCHDOG_PROMETHEUS_URL is not set")
    file.write_text("version = 1\nguard = 1\n")
    wrong = call("check", "--network-policy", str(file), PROMETHEUS_URL=PROMETHEUS)
    assert wrong.exit_code == 1
    assert f"{file}:2:1" in wrong.stderr
