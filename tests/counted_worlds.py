"""Generated worlds to be counted: pods that are born, restart and vanish, scrapes that fail, errors that begin late."""

from dataclasses import dataclass

from hypothesis import strategies as st

from watchdog.domain.measurement import Series
from watchdog.domain.selections import Scope

SINCE = 100.0
END = 400.0


@dataclass(frozen=True)
class World:
    """What Prometheus has of a few pods: all requests, and the bad ones among them; and what really happened."""

    total: tuple[Series, ...]
    bad: tuple[Series, ...]
    created: dict[str, float]
    true_total: dict[str, int]  # events at or after SINCE
    true_bad: dict[str, int]

    @property
    def scope(self) -> Scope:
        return Scope(SINCE, self.created)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    total: list[Series] = []
    bad: list[Series] = []
    created: dict[str, float] = {}
    true_total: dict[str, int] = {}
    true_bad: dict[str, int] = {}
    for number in range(draw(st.integers(1, 3))):
        pod = f"app-1-{number}"
        born = draw(st.sampled_from([10, 60, 100, 130, 210]))
        if born > SINCE or draw(st.booleans()):
            created[pod] = float(born)
        offset, interval = draw(st.integers(0, 14)), draw(st.sampled_from([5, 15, 30]))
        scrapes = [t for t in range(born + offset, int(END) + 60, interval) if draw(st.integers(0, 9)) > 1]
        restarts = draw(st.sets(st.integers(born + 1, int(END)), max_size=2))
        events = draw(
            st.lists(st.tuples(st.integers(born, int(END)), st.sampled_from(["200", "404", "500", "503"])), max_size=30)
        )
        from_zero = draw(st.sets(st.sampled_from(["200", "500"])))
        counted = [event for event in events if event[0] >= SINCE]
        true_total[pod] = len(counted)
        true_bad[pod] = sum(status.startswith("5") for _, status in counted)
        for status in ("200", "404", "500", "503"):
            samples = []
            for at in scrapes:
                began = max((r for r in restarts if r <= at), default=born)
                value = sum(1 for t, s in events if began <= t < at and s == status)
                if value or status in from_zero:
                    samples.append((float(at), float(value)))
            if samples:
                labels = {"__name__": "http", "pod": pod, "instance": f"{pod}:80", "job": "a", "status": status}
                series = Series(labels, tuple(samples))
                total.append(series)
                if status.startswith("5"):
                    bad.append(series)
    return World(tuple(total), tuple(bad), created, true_total, true_bad)
