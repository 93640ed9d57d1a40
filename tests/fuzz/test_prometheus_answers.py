"""Whatever comes back from Prometheus: an answer or why there is none; and no reading is made of what is no number."""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import T0, a_gauge, a_latency, a_rate, a_ratio, a_revision, a_target, at
from fuzz.mutating import ANYTHING, FUZZ, garbled, mutants
from watchdog.adapters.prometheus.answers import read_alert_names, read_answer, read_names
from watchdog.domain.measurement import Answer, QueryFailed
from watchdog.engine.sampling import Sampler, Subject
from watchdog.simulator.clock import SimulatedClock, run_simulated

LABELS = {"__name__": "http_requests_total", "namespace": "production", "pod": "research-7c9d-abcde", "status": "500",
          "le": "0.1"}  # fmt: skip
T = T0.timestamp()


def success(kind: str, result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


GOOD = [
    success("vector", [{"metric": LABELS, "value": [T + 15, "7"]}]),
    success("matrix", [{"metric": {**LABELS, "le": le}, "values": [[T + s, str(s)] for s in range(-30, 60, 5)]}
                       for le in ("0.1", "0.5", "+Inf")]),
    success("scalar", [T, "1"]),
    {"status": "error", "errorType": "timeout", "error": "query timed out"},
    {"status": "success", "data": ["a", "b"]},
    {"status": "success", "data": {"groups": [{"rules": [{"name": "A", "type": "alerting"}]}]}},
]  # fmt: skip
BODIES = st.sampled_from(GOOD).flatmap(lambda good: mutants(good, most=3)).map(lambda one: json.dumps(one).encode())
STATUSES = st.sampled_from([200, 200, 200, 204, 301, 400, 401, 404, 422, 429, 500, 503, 599])


@FUZZ
@given(STATUSES, BODIES | BODIES.flatmap(garbled) | ANYTHING.map(lambda one: json.dumps(one).encode()))
def test_an_answer_is_an_answer_or_says_why_not(status: int, body: bytes) -> None:
    for read in (read_answer, read_names, read_alert_names):
        outcome = read(status, body, "up")
        if isinstance(outcome, QueryFailed):
            assert len(outcome.detail) <= 400
            assert outcome.detail.isprintable()
        elif isinstance(outcome, Answer):
            assert all(isinstance(at, float) for one in outcome.series for at, _ in one.samples)


class Prometheus:
    """Answers each question with the next of these bodies."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies
        self._asked = 0

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        del at, deadline
        self._asked += 1
        return read_answer(200, self._bodies[self._asked % len(self._bodies)], promql)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        del end, step
        return await self.query(promql, start, deadline=deadline)


SOUND = st.sampled_from(GOOD[:3]).flatmap(lambda good: mutants(good, most=3, within=3))


@FUZZ
@given(
    st.lists(SOUND.map(lambda one: json.dumps(one).encode()), min_size=1, max_size=3),
    st.sampled_from([a_ratio(), a_latency(0.5), a_rate(), a_gauge()]),
)
def test_a_measurement_is_made_of_numbers_or_says_why_not(bodies: list[bytes], threshold: Any) -> None:
    async def main() -> None:
        clock = SimulatedClock(at(120))
        sampler = Sampler(Prometheus(bodies), clock)
        births = {"research-7c9d-abcde": at(1)}
        subject = Subject(a_target(), a_revision(), births, T0)
        tracker = sampler.tracker(threshold, subject)
        spans = [(k, T0 + timedelta(seconds=15 * (k - 1)), T0 + timedelta(seconds=15 * k)) for k in range(1, 4)]
        blocks = await sampler.blocks(tracker, spans)
        await sampler.baseline(threshold, subject, T0, at(60), 15.0)
        await sampler.close()
        assert [block.index for block in blocks] == [1, 2, 3]
        for number in numbers(blocks):
            assert not math.isnan(number)

    run_simulated(main())


def numbers(value: Any) -> Iterator[float]:
    """Every float within readings."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list | tuple | frozenset):
        for inner in value:
            yield from numbers(inner)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from numbers(getattr(value, name))
