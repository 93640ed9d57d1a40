"""A namespace's quota on pods, as the API server's admission holds it; no other limit of a ResourceQuota is known.

How many there are is counted anew each time: the real server keeps a tally, which its controller brings up to date.
"""

from watchdog.simulator.objects import Object
from watchdog.simulator.pods import is_over
from watchdog.simulator.refusals import Refusal, details_of
from watchdog.simulator.resources import PODS, QUOTAS
from watchdog.simulator.store import Store


def admit(store: Store, namespace: str, pod: Object) -> None:
    """Refuse one more pod than a quota of the namespace allows. Pods that have ended do not count."""
    living = [one for one in store.all(PODS, namespace) if not is_over(one)]
    used, name = len(living), pod["metadata"]["name"]
    for quota in store.all(QUOTAS, namespace):
        most = (quota["spec"].get("hard") or {}).get("pods")
        if most is None or used < int(most):
            continue
        why = f"exceeded quota: {quota['metadata']['name']}, requested: pods=1, used: pods={used}, limited: pods={most}"
        raise Refusal(403, "Forbidden", f'pods "{name}" is forbidden: {why}', details_of("", "pods", name))
