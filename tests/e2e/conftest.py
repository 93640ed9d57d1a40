"""The real control plane and the real Prometheus as fixtures.

`make e2e` builds the control plane and sets WATCHDOG_E2E=1, under which nothing skips: what is missing fails.
Without it, every test that asks for the control plane skips and says so, so that a plain `pytest` stays fast.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from both import STORIES
from e2e import judged
from e2e.controlplane import build
from e2e.controlplane import prometheus as real
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.podnet import pods_are_reachable
from e2e.controlplane.prometheus import RealPrometheus, RealVictoriaMetrics
from e2e.controlplane.traffic import Traffic
from e2e.process_stories import by_hand, killed, under_a_budget
from e2e.season import VICTORIA_METRICS, Director, Scraped, Season, by_victoria_metrics, shared
from stage import Story

ASKED_FOR = os.environ.get("WATCHDOG_E2E") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "control_plane" not in getattr(item, "fixturenames", ()):
            continue
        item.add_marker(pytest.mark.controlplane)
        if not ASKED_FOR:
            item.add_marker(pytest.mark.skip("runs on a real control plane: `make e2e` builds and starts it"))


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane | ExternalCluster]:
    directory = tmp_path_factory.mktemp("control-plane")
    if kubeconfig := os.environ.get("WATCHDOG_E2E_KUBECONFIG"):
        yield ExternalCluster(Path(kubeconfig), directory)
        return
    programs = build.find()
    if not isinstance(programs, build.Programs):
        pytest.fail(f"not built: {', '.join(programs)}; `make e2e` builds what is missing", pytrace=False)
    with ControlPlane(programs, directory) as plane:
        yield plane


@pytest.fixture
def audited(control_plane: ControlPlane | ExternalCluster) -> ControlPlane:
    """The control plane, where its audit log can be read: one that is named by a kubeconfig keeps its own."""
    if isinstance(control_plane, ExternalCluster):
        pytest.skip("the audit log of an external cluster cannot be read here")
    return control_plane


@pytest.fixture(scope="session")
def traffic(control_plane: ControlPlane | ExternalCluster) -> Iterator[Traffic]:
    """The applications' traffic, metrics and health checks, for the pods of all tests."""
    with Traffic(control_plane.admin) as running:
        yield running


@pytest.fixture(scope="session")
def scraped(traffic: Traffic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """A Prometheus that scrapes the traffic each so often (`15s`), or VictoriaMetrics; of each there is one."""
    if not real.installed():
        (pytest.fail if ASKED_FOR else pytest.skip)(real.ABSENT)
    with ExitStack() as running:

        @cache
        def each(interval: str) -> RealPrometheus:
            if interval == VICTORIA_METRICS:
                if not build.victoria_metrics().exists():
                    (pytest.fail if ASKED_FOR else pytest.skip)(real.NOT_BUILT)
                directory = tmp_path_factory.mktemp("victoria-metrics")
                return running.enter_context(RealVictoriaMetrics(directory, [traffic.target]))
            directory = tmp_path_factory.mktemp(f"prometheus-{interval}")
            return running.enter_context(RealPrometheus(directory, [traffic.target], scrape_interval=interval))

        yield each


@pytest.fixture(scope="session")
def real_prometheus(scraped: Scraped) -> RealPrometheus:
    """Scrapes the traffic each second."""
    return scraped("1s")


@pytest.fixture(scope="session")
def season(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane | ExternalCluster,
    scraped: Scraped,
    tmp_path_factory: pytest.TempPathFactory,
) -> Season:
    """The stories that are asked for, told side by side.

    A test is about the stories that its parameters name; one without parameters looks at everything that was written,
    so it is about all.
    """
    asked = [item for item in request.session.items if "season" in getattr(item, "fixturenames", ())]
    values = {value for item in asked if hasattr(item, "callspec") for value in item.callspec.params.values()}
    named = {value.name if isinstance(value, Story) else value for value in values}
    everything = any(not hasattr(item, "callspec") for item in asked)
    director = Director(control_plane, scraped, tmp_path_factory.mktemp("season"))
    own = [
        *shared(STORIES.all),
        *by_victoria_metrics(STORIES.all),
        by_hand(director.season.verbs),
        under_a_budget(),
        *killed(),
    ]
    parts = [*own, *judged.parts(scraped)]
    for part in parts:
        told_here = pods_are_reachable() or not part.story.probes
        if told_here and (everything or part.story.name in named):
            director.add(part)
    return asyncio.run(director.play())


@pytest.fixture
def pod_network() -> None:
    """Ask for it, and for `traffic`, where pods are probed: their addresses must be local."""
    if not pods_are_reachable():
        pytest.skip(
            "pods have no reachable addresses here: needs a network namespace (in_netns.sh, as root or with"
            " user namespaces, and the program `ip` of iproute2)"
        )


@pytest.fixture
async def namespace(control_plane: ControlPlane | ExternalCluster) -> AsyncIterator[Namespace]:
    """A fresh namespace in which pods can run at once; removed, with all that is in it, after the test."""
    async with control_plane.admin.client() as api:
        fresh = await Namespace.make(control_plane, api)
        yield fresh
        await fresh.remove()
