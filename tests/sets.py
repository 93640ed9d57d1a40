"""A StatefulSet and a DaemonSet in a town, for the stories about them."""

from town import NAMESPACE, PART_OF, RULES, Town, image_of
from watchdog.simulator.traffic import Course

SETS = RULES.replace(
    'selector   = "app.kubernetes.io/part-of=plasma-engine"',
    'selector   = "app.kubernetes.io/part-of=plasma-engine"\nkinds = ["deployment", "statefulset", "daemonset"]',
)
assert SETS != RULES
FAILING = Course.step(0.004, 0.3, after=60)
DB, AGENT = ("statefulsets", NAMESPACE, "db"), ("daemonsets", NAMESPACE, "agent")
PLACES = {"db": DB, "agent": AGENT}


def sets(town: Town, **spec: object) -> None:
    """A StatefulSet of three pods and a DaemonSet on three nodes, each with a Service, that served for an hour."""
    town.furnish("research")
    for name, (kind, namespace, _) in PLACES.items():
        replicas = {"replicas": 3} if kind == "statefulsets" else {}
        town.cluster.roll(kind, namespace, name, f"{name}:v1", labels=PART_OF, spec={**replicas, **spec})
        town.cluster.service(namespace, name)


def images(town: Town, name: str) -> list[str]:
    """The tags that the pods run, by the pods' names."""
    return [image_of(pod).rpartition(":")[2] for pod in town.cluster.members(*PLACES[name])]
