"""Events on the targets."""

import pytest

from adapters.kubernetes.building import GATEWAY, SHOP, a_client, a_cluster, a_gateway
from watchdog.adapters.kubernetes.events import LONGEST_NOTE, KubernetesEvents
from watchdog.simulator.clock import SimulatedClock, run_simulated


def test_an_event_stands_on_its_target_and_a_long_note_is_cut() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            uid = cluster.get("deployments", SHOP, "gateway")["metadata"]["uid"]
            events = KubernetesEvents(client, clock=SimulatedClock(cluster.now()), instance="watchdog-0")
            await events.emit(GATEWAY, uid, reason="RolledBack", note="é" * 2000, warning=True)
            (event,) = [one for one in cluster.list("events", SHOP) if one.get("reason") == "RolledBack"]
            assert event["regarding"] == {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "namespace": SHOP,
                "name": "gateway",
                "uid": uid,
            }
            assert event["reportingController"] == "rollback-watchdog.dev/watchdog"
            assert event["reportingInstance"] == "watchdog-0"
            assert event["type"] == "Warning"
            assert len(event["note"].encode()) <= LONGEST_NOTE
            assert event["note"].endswith("é…")

    run_simulated(main())


def test_an_event_that_cannot_be_written_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            events = KubernetesEvents(client, clock=SimulatedClock(cluster.now()), instance="watchdog-0")
            cluster.faults.answer(503)
            await events.emit(GATEWAY, "", reason="Held", note="paused", warning=False)

    run_simulated(main())
    assert "no Event Held on shop/deployment/gateway" in caplog.text
