"""The simulated applications' own HTTP, as probes and a scraping Prometheus meet it."""

import shutil
import subprocess
from typing import Any

import httpx
import pytest

from simulator.prometheus.cluster import SUBNET
from simulator.prometheus.real import needs_prometheus
from simulator.prometheus.scene import Scene, play
from watchdog.simulator.behaviour import Behaviour, Course, Health
from watchdog.simulator.pods_http import SimulatedApplications


def test_applications_answer_probes_as_they_behave() -> None:
    behaviour = Behaviour(
        health=Health.fails(after=20), ready=Health.fails(after=40, answer="hang"), errors=Course(0.1)
    )

    async def story(scene: Scene) -> None:
        async with SimulatedApplications(scene.prometheus):
            url = f"http://{SUBNET}.1:18000"
            await scene.clock.sleep(10)
            assert (await scene.client.get(url + "/health")).status_code == 200
            assert (await scene.client.get(url + "/ready")).status_code == 200
            assert (await scene.client.get(url + "/elsewhere")).status_code == 404
            metrics = await scene.client.get(url + "/metrics")
            assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert 'http_requests_total{handler="/api/items",method="GET",status="5xx"} 5\n' in metrics.text
            await scene.clock.sleep(11)
            assert (await scene.client.get(url + "/health")).status_code == 503
            await scene.clock.sleep(20)
            with pytest.raises(httpx.ReadTimeout):
                await scene.client.get(url + "/ready", timeout=2)

    play(story, behaviour=behaviour)


def test_applications_listen_while_their_pods_live_and_do_not_refuse() -> None:
    async def story(scene: Scene) -> None:
        async with SimulatedApplications(scene.prometheus) as applications:
            first, second = f"http://{SUBNET}.1:18000/health", f"http://{SUBNET}.2:18000/health"
            assert (await scene.client.get(first)).status_code == 200
            await scene.clock.sleep(32)
            with pytest.raises(httpx.TransportError):
                await scene.client.get(first)
            with pytest.raises(httpx.ConnectError):
                await scene.client.get(first)
            del scene.cluster.by_name["b"]
            scene.cluster.add_pod("c")
            await applications.refresh()
            assert (await scene.client.get(second)).status_code == 200, "c has the address of b now"
        with pytest.raises(httpx.TransportError):
            await scene.client.get(second)

    play(story, behaviour=Behaviour(health=Health.fails(after=30, answer="refused")))


@pytest.mark.prometheus
@needs_prometheus
@pytest.mark.parametrize("dialect", ["fastapi", "express"])
def test_what_applications_expose_is_the_text_format(dialect: Any) -> None:
    behaviour = Behaviour(dialect=dialect, errors=Course(0.1), graphql_errors=Course(0.1), queue_depth=Course(3.0))

    async def story(scene: Scene) -> None:
        async with SimulatedApplications(scene.prometheus):
            await scene.clock.sleep(30)
            text = (await scene.client.get(f"http://{SUBNET}.1:18000/metrics")).text
        promtool = shutil.which("promtool")
        assert promtool is not None
        checked = subprocess.run(  # noqa: ASYNC221 - nothing else happens meanwhile
            [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False, timeout=20
        )
        assert (checked.returncode, checked.stderr) == (0, "")

    play(story, behaviour=behaviour)
