"""The series of a test as a `MetricSource`: samples in memory, asked in PromQL at the simulated moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.replay.rule_tests.cases import SeriesLine
from watchdog.simulator import promql
from watchdog.simulator.tsdb import Labels, Tsdb, milliseconds


def store_of(series: Iterable[SeriesLine], begin: datetime, switch: datetime, interval: timedelta) -> Tsdb:
    """The samples of a test, one an interval."""
    tsdb = Tsdb()
    for line in series:
        first = switch if line.from_switch else begin
        stored = tsdb.series(line.labels)
        for index, value in enumerate(line.samples):
            if value is not None:
                stored.append(milliseconds(first + index * interval), value)
    return tsdb


class SampledSource:
    """Answers queries from a store. What its PromQL lacks is refused, and kept in `refused`, by the query's text.

    The judge takes a refused query for no data, as it must; a test may not pass for that.
    """

    def __init__(self, tsdb: Tsdb) -> None:
        self._tsdb = tsdb
        self.refused: dict[str, str] = {}

    async def query(self, promql_text: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """The value at one moment, or the raw samples of a range selector."""
        try:
            answer = promql.query_instant(self._tsdb, promql_text, milliseconds(at))
        except (promql.BadQuery, promql.ExecutionFailed) as error:
            return self._refused(promql_text, error)
        match answer:
            case promql.InstantVector(samples):
                return Answer(promql_text, _series([(labels, [point]) for labels, point in samples]))
            case promql.Matrix(series):
                return Answer(promql_text, _series(series))
            case promql.Scalar(point):
                return Answer(promql_text, _series([((), [point])]))
            case promql.String():
                return QueryFailed(FailureReason.GARBLED, "the query answers a text", promql_text)

    async def query_range(
        self, promql_text: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """The values at each step."""
        try:
            matrix = promql.query_range(
                self._tsdb, promql_text, milliseconds(start), milliseconds(end), round(step * 1000)
            )
        except (promql.BadQuery, promql.ExecutionFailed) as error:
            return self._refused(promql_text, error)
        return Answer(promql_text, _series(matrix.series))

    def _refused(self, query: str, error: Exception) -> QueryFailed:
        self.refused.setdefault(query, str(error))
        return QueryFailed(FailureReason.REFUSED, str(error), query)


def _series(found: Sequence[tuple[Labels, Sequence[promql.Point]]]) -> tuple[Series, ...]:
    return tuple(Series(dict(labels), tuple((at / 1000, value) for at, value in points)) for labels, points in found)
