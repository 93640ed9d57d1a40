"""The cluster that the settings name, and the journals in it: what the daemon and a laptop begin with alike."""

import random
from contextlib import AsyncExitStack

from watchdog.adapters.kubernetes.client import KubeClient, connect
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.configured import Settings
from watchdog.ports import Clock, OutOfReach

DRY_RUN_SERIES = "dry-run-"
"""What keeps the records of `run --dry-run` apart from the real ones."""


def journal_of(kube: KubeClient, settings: Settings, clock: Clock, rng: random.Random) -> ConfigMapJournal:
    """The journal in the watchdog's own namespace."""
    return ConfigMapJournal(kube, settings.namespace, clock=clock, rng=rng, records_kept=settings.records_kept)


def dry_run_journal_of(kube: KubeClient, settings: Settings, clock: Clock, rng: random.Random) -> ConfigMapJournal:
    """The journal of `run --dry-run` there, apart from the real one: no real run finds anything of it."""
    kept = settings.records_kept
    return ConfigMapJournal(kube, settings.namespace, clock=clock, rng=rng, records_kept=kept, series=DRY_RUN_SERIES)


async def connected(settings: Settings, clock: Clock, stack: AsyncExitStack) -> KubeClient:
    """A client of the cluster that the settings name, closed with `stack`. Raises `OutOfReach`."""
    kubeconfig = str(settings.kubeconfig) if settings.kubeconfig else None
    try:
        kube = await connect(clock, kubeconfig=kubeconfig, context=settings.context)
    except OutOfReach as error:
        if kubeconfig is not None:
            raise
        hint = "no cluster is named: set WATCHDOG_KUBECONFIG or pass --kubeconfig"
        raise OutOfReach(f"{hint} (and this process runs in none: {error})") from error
    stack.push_async_callback(kube.close)
    return kube
