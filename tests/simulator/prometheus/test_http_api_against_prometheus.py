"""The HTTP API's answers and refusals, held to a real Prometheus."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.prometheus.cluster import FakeCluster
from simulator.prometheus.real import RealPrometheus, needs_prometheus, prometheus_over
from simulator.prometheus.samples import at, samples
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.tsdb import Tsdb

pytestmark = [pytest.mark.prometheus, needs_prometheus]

Parameters = dict[str, str]
QUERY, RANGE = "/api/v1/query", "/api/v1/query_range"

ANSWERED: list[tuple[str, Parameters]] = [
    (QUERY, {"query": "lonely", "time": "1772454630"}),
    (QUERY, {"query": "lonely", "time": "2026-03-02T12:30:30Z"}),
    (QUERY, {"query": "lonely", "time": "2026-03-02T12:30:30.25+00:00"}),
    (QUERY, {"query": "lonely", "time": "2026-03-02T14:30:30.5+02:00"}),
    (QUERY, {"query": "lonely", "time": "1772454630.0625"}),
    (QUERY, {"query": "lonely", "time": "1772454630", "timeout": "5s"}),
    (QUERY, {"query": '"text"', "time": "1772454630.123"}),
    (QUERY, {"query": "1e22", "time": "1772454630"}),
    (QUERY, {"query": "1.5e-9", "time": "1772454630"}),
    (QUERY, {"query": "vector(1.5e22)", "time": "1772454630"}),
    (QUERY, {"query": "vector(1e21)", "time": "1772454630"}),
    (QUERY, {"query": "vector(123456789012345678901)", "time": "1772454630"}),
    (QUERY, {"query": "vector(0.1 + 0.2)", "time": "1772454630"}),
    (QUERY, {"query": "vector(1.5e-9)", "time": "1772454630"}),
    (QUERY, {"query": "vector(0.000001)", "time": "1772454630"}),
    (QUERY, {"query": "vector(-0)", "time": "1772454630"}),
    (QUERY, {"query": "vector(1 / 0)", "time": "1772454630"}),
    (QUERY, {"query": "vector(-1 / 0)", "time": "1772454630"}),
    (QUERY, {"query": "vector(0 / 0)", "time": "1772454630"}),
    (QUERY, {"query": "nothing", "time": "1772454630"}),
    (QUERY, {"query": "lonely[5m]", "time": "1772454630"}),
    (RANGE, {"query": "lonely", "start": "1772454600", "end": "1772454700", "step": "30"}),
    (RANGE, {"query": "lonely", "start": "1772454600", "end": "1772454700", "step": "1m"}),
    (RANGE, {"query": "1", "start": "1772454600", "end": "1772454600", "step": "0.5"}),
    (RANGE, {"query": "nothing", "start": "1772454600", "end": "1772454700", "step": "30"}),
    ("/api/v1/series", {"match[]": "lonely"}),
    ("/api/v1/series", {"match[]": 'pod_info{version="2.0"}'}),
    ("/api/v1/series", {"match[]": "nothing"}),
    ("/api/v1/labels", {}),
    ("/api/v1/labels", {"match[]": "temperature"}),
    ("/api/v1/label/pod/values", {}),
    ("/api/v1/label/version/values", {"match[]": "pod_info"}),
    ("/api/v1/label/nothing/values", {}),
    ("/api/v1/metadata", {"metric": "nothing"}),
]

REFUSED: list[tuple[str, Parameters]] = [
    (QUERY, {}),
    (QUERY, {"query": ""}),
    (QUERY, {"query": "up", "time": "yesterday"}),
    (QUERY, {"query": "up", "time": "2026-03-02T12:30:30"}),
    (QUERY, {"query": "up", "timeout": "soon"}),
    (QUERY, {"query": "topk(NaN, temperature)", "time": "1772454630"}),
    (QUERY, {"query": 'label_replace(temperature, "a b", "x", "room", ".*")', "time": "1772454630"}),
    (RANGE, {"query": "up", "start": "2", "end": "1", "step": "1"}),
    (RANGE, {"query": "up", "start": "2", "end": "1", "step": "x"}),
    (RANGE, {"query": "up", "start": "1", "end": "2", "step": "0"}),
    (RANGE, {"query": "up", "start": "1", "end": "2", "step": "-1"}),
    (RANGE, {"query": "up", "start": "1", "end": "2", "step": "often"}),
    (RANGE, {"query": "up", "start": "1", "end": "2"}),
    (RANGE, {"query": "up", "end": "2", "step": "1"}),
    (RANGE, {"query": "up", "start": "1", "step": "1"}),
    (RANGE, {"query": "up", "start": "0", "end": "11001", "step": "1"}),
    (RANGE, {"query": "up[1m]", "start": "1", "end": "2", "step": "1"}),
    (RANGE, {"query": '"text"', "start": "1", "end": "2", "step": "1"}),
    (RANGE, {"start": "1", "end": "2", "step": "1"}),
    ("/api/v1/series", {}),
    ("/api/v1/label/a-b/values", {}),
    ("/api/v1/nothing", {}),
]

# Worded by another parser, so that only status and type are compared.
UNREADABLE: list[tuple[str, Parameters]] = [
    (QUERY, {"query": "sum("}),
    (QUERY, {"query": "rate(up)"}),
    (QUERY, {"query": "nosuch(up)"}),
    (RANGE, {"query": "sum(", "start": "1", "end": "2", "step": "1"}),
    ("/api/v1/series", {"match[]": "up{"}),
    ("/api/v1/series", {"match[]": "rate(up[1m])"}),
    ("/api/v1/series", {"match[]": "{}"}),
]


ONLY_GET = ("/api/v1/label/", "/api/v1/metadata", "/api/v1/nothing")


@pytest.fixture(scope="module")
def tsdb() -> Tsdb:
    return samples()


@pytest.fixture(scope="module")
def real(tsdb: Tsdb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with prometheus_over(tsdb, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def ask_ours(tsdb: Tsdb, method: str, path: str, parameters: Parameters) -> httpx.Response:
    async def ask() -> httpx.Response:
        cluster = FakeCluster()
        clock = SimulatedClock(at(3600))
        async with (
            SimulatedPrometheus(clock, cluster, cluster.behaviour_of) as ours,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            ours.tsdb.replace(tsdb)
            if method == "POST":
                return await client.post(ours.url + path, data=parameters)
            return await client.get(ours.url + path, params=parameters)

    return run_simulated(ask())


def shape(answer: httpx.Response) -> tuple[int, str, Any]:
    """Status, type, and the body with lists of series in one order."""
    content_type = answer.headers["content-type"]
    if content_type != "application/json":
        return answer.status_code, content_type.split(";")[0], None
    body = answer.json()
    if isinstance(body.get("data"), list):
        body["data"].sort(key=str)
    return answer.status_code, content_type, body


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        (method, path, parameters)
        for path, parameters in ANSWERED + REFUSED
        for method in (("GET",) if path.startswith(ONLY_GET) else ("GET", "POST"))
    ],
)
def test_the_answer_is_that_of_prometheus(
    method: str, path: str, parameters: Parameters, tsdb: Tsdb, real: RealPrometheus
) -> None:
    theirs = real.ask(method, path, parameters)
    assert shape(ask_ours(tsdb, method, path, parameters)) == shape(theirs)


@pytest.mark.parametrize(("path", "parameters"), UNREADABLE)
def test_what_cannot_be_parsed_is_refused_alike(
    path: str, parameters: Parameters, tsdb: Tsdb, real: RealPrometheus
) -> None:
    ours, theirs = ask_ours(tsdb, "GET", path, parameters), real.get(path, **parameters)
    assert (ours.status_code, ours.json()["status"], ours.json()["errorType"]) == (
        theirs.status_code,
        theirs.json()["status"],
        theirs.json()["errorType"],
    )


@pytest.mark.parametrize("path", ["/-/ready", "/-/healthy", "/api/v1/status/buildinfo"])
def test_the_server_says_how_it_is_as_prometheus_does(path: str, tsdb: Tsdb, real: RealPrometheus) -> None:
    ours, theirs = ask_ours(tsdb, "GET", path, {}), real.get(path)
    assert (ours.status_code, ours.headers["content-type"]) == (200, theirs.headers["content-type"])
    if path.startswith("/-/"):
        assert ours.text == theirs.text
    else:
        assert ours.json()["data"].keys() == theirs.json()["data"].keys()
