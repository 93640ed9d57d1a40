"""What is guarded in the bench: how targets are named and spread, how their pods behave, the rules."""

from collections.abc import Sequence

from six_rules import six_rules
from watchdog.rulebook.presets import BUCKETS

OWN = "watchdog"
PART_OF = {"app.kubernetes.io/part-of": "bench"}
REPLICAS = 2
UNTOUCHED = 5  # targets that do not switch, as peers to compare with
PER_NAMESPACE = 50
RATE = 20.0  # requests per second and pod
ERRORS = 0.004
FAULT = 0.5  # of the requests of a target that tips
CPU = 0.2  # cores
MEMORY = 200 * 2**20
BOUNDS = BUCKETS["fastapi"]
METRICS = 4  # that a target's rules ask about: errors, latency, cpu, memory

KINDS = {"configmaps": "records and memories", "deployments": "put-backs", "events": "events", "leases": "leases"}
WATCHDOG = "rollback-watchdog"  # as it calls itself
RECORDS = f"{WATCHDOG}-service-"  # so the name of a watch's record begins

_CHANNELS = """\
[channels.releases]
url = "{{ secret.SLACK_URL }}"
[channels.oncall]
pagerduty = { routing_key = "{{ secret.PAGERDUTY_KEY }}" }
on = ["rolled-back", "not-recovered", "held", "failed"]
"""


def name_of(number: int) -> str:
    """The Deployment of a target."""
    return f"service-{number:04}"


def namespace_of(number: int, targets: int) -> str:
    """Its namespace: fifty targets share one."""
    return f"team-{number % namespaces(targets):02}"


def namespaces(targets: int) -> int:
    """How many namespaces there are."""
    return -(-targets // PER_NAMESPACE)


RULES = ("error-rate", "latency", "cpu", "memory", "health", "crash")


def rules(targets: int, interval: float, *, channels: bool = True, names: Sequence[str] = RULES) -> str:
    """The rules file: six rules, four of which ask Prometheus; or those that are named."""
    named = ", ".join(f'"{namespace_of(number, targets)}"' for number in range(namespaces(targets)))
    told = 'channels   = ["releases", "oncall"]\n' if channels else ""
    return f"""\
version = 1

[brakes]
all    = "5000 in 10m"
target = "3 in 1h"

[guards.services]
namespaces = [{named}]
selector   = "app.kubernetes.io/part-of=bench"
rules      = [{", ".join(f'"{name}"' for name in names)}]
interval   = "{interval:g}s"
bake       = "1h"
{told}
{six_rules(*names)}
{_CHANNELS if channels else ""}"""
