"""What goes wrong, and when: gusts of faults from one seed, on every way that leads out of the watchdog.

Where a kind comes from:

- `simulator/faults.py` (what an API server answers, and what it does to a watch), used for the API server and, since
  it is the same over HTTP, for the channels' server;
- `simulator/prometheus_faults.py`: what a Prometheus answers;
- `wire.py`: what happens to the bytes in between;
- here: tokens that are rotated, histories that are compacted, clocks that lie.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from soak.channels import ChannelServer
from soak.history import History, Window
from soak.wire import Cut, HalfOpen, Reorder, Repeat, Reset, Slow, Swallow, Wire
from watchdog.ports import Clock
from watchdog.simulator import faults as api_faults
from watchdog.simulator import prometheus_faults as prom
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.prometheus import SimulatedPrometheus

USER = "watchdog"
_DEADLINE = 10.0  # the watchdog's own patience with one request
_AGAIN = 6.0  # what a retry may take after that


class LyingClock:
    """A wall clock that somebody sets: `now` is off by `offset` seconds; `monotonic` and `sleep` are true."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = 0.0

    def now(self) -> datetime:
        """The wrong time of day."""
        return self._clock.now() + timedelta(seconds=self.offset)

    def monotonic(self) -> float:
        """Seconds, as true as ever."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._clock.sleep(seconds)


@dataclass(slots=True)
class CountedFaults(prom.Faults):
    """The simulated Prometheus's faults, counted by kind where they met a query."""

    struck: Counter[str] = field(default_factory=Counter)

    def take(self, query: str) -> prom.Fault | None:
        fault = prom.Faults.take(self, query)
        if fault is not None:
            name = type(fault).__name__.lower()
            self.struck[f"{name} {fault.code}" if isinstance(fault, prom.Status) else name] += 1
        return fault


@dataclass
class Sky:
    """Everything that can go wrong in one town."""

    clock: Clock
    rng: random.Random
    cluster: SimulatedCluster
    prometheus: SimulatedPrometheus
    channels: ChannelServer
    wires: dict[str, Wire]
    token_file: Path
    lying: LyingClock
    scraped: LyingClock
    history: History
    counts: Counter[str] = field(default_factory=Counter)
    _set: list[tuple[str, api_faults.Fault]] = field(default_factory=list)
    _prometheus: CountedFaults = field(default_factory=CountedFaults)
    _ends: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _tokens: int = 0
    _token: str = ""

    def __post_init__(self) -> None:
        self._token = self.token_file.read_text(encoding="utf-8")
        self.prometheus.faults = self.prometheus._api.faults = self._prometheus

    async def blow(self, every: float) -> None:
        """Storms with a gust each `every` seconds or so, and calm hours between them, until cancelled."""
        gusts: list[tuple[int, Callable[[], None]]] = [
            (24, self._api_answers),
            (8, self._watch_spoiled),
            (2, self._gone_storm),
            (2, self._token_rotated),
            (14, self._prometheus_answers),
            (14, self._channel_answers),
            (24, self._wire_spoiled),
            (3, self._cut_off),
            (2, self._watchdog_clock),
            (2, self._prometheus_clock),
        ]
        weights = [weight for weight, _ in gusts]
        while True:
            over = self.clock.monotonic() + self.rng.uniform(30, 120)
            while self.clock.monotonic() < over:
                await self.clock.sleep(self.rng.expovariate(1 / every))
                self._end_what_is_over()
                self.rng.choices(gusts, weights)[0][1]()
            self.calm_down()
            await self.clock.sleep(self.rng.uniform(120, 360))

    def calm_down(self) -> None:
        """All is well from now on."""
        for _, end in self._ends:
            end()
        self._ends.clear()
        self.cluster.faults.clear()
        self._prometheus.clear()
        self.channels.faults.clear()
        for wire in self.wires.values():
            wire.clear()
        self.lying.offset = self.scraped.offset = 0.0

    def counted(self) -> Counter[str]:
        """How often each kind of fault met something."""
        total = Counter(self.counts)
        for name, fault in self._set:
            total[name] += fault.hits
        for name, count in self._prometheus.struck.items():
            total[f"prometheus answers: {name}"] += count
        for wire in self.wires.values():
            for name, count in wire.struck.items():
                total[f"wire to {wire.name}: {name}"] += count
        return Counter({name: count for name, count in total.items() if count})

    # -- the gusts -----------------------------------------------------------------------------------------------

    def _api_answers(self) -> None:
        """The API server answers some of the next requests wrongly, late or not at all."""
        faults, rng = self.cluster.faults, self.rng
        where = {
            "user": USER,
            "count": rng.choice((1, 1, 1, 2, 3, 5)),
            "method": rng.choice(("", "", "GET", "PUT", "PATCH", "POST")),
        }
        kind = rng.choice(
            ("500", "503", "429", "html", "hang", "reset", "delay", "truncate", "lose-answer", "lose-answer")
        )
        self._disturbed(_DEADLINE + _AGAIN * int(where["count"]), f"API {kind}")
        if kind == "429":
            fault = faults.answer(429, headers={"Retry-After": str(rng.randint(1, 5))}, **where)
        elif kind == "html":
            fault = faults.answer(rng.choice((200, 502)), "<html><body>Bad Gateway</body></html>", **where)
        elif kind in ("500", "503"):
            fault = faults.answer(int(kind), **where)
        elif kind == "hang":
            fault = faults.hang(**where)
            self._after(rng.uniform(2, 40), fault.remove)
        elif kind == "delay":
            fault = faults.delay(rng.uniform(0.5, 14), **where)
        else:
            make = {"reset": faults.reset, "truncate": faults.truncate, "lose-answer": faults.lose_answer}[kind]
            fault = make(**where)
        self._counted(f"API answers: {kind}", fault)

    def lose_next_act(self, resource: str, name: str) -> None:
        """The act that was just rehearsed is lost on its way, or its answer is."""
        path = re.compile(rf"/{resource}/{name}\?(?!.*dryRun)")
        make = self.rng.choice((self.cluster.faults.reset, self.cluster.faults.lose_answer))
        fault = make(method="PATCH", path=path, user=USER)
        self._counted(f"an act: {fault.kind}", fault)

    def _watch_spoiled(self) -> None:
        """A watch is closed, silent, torn by HTML, told twice, or ended as expired."""
        kind = self.rng.choice(("close", "silence", "html", "duplicate", "gone"))
        resource = self.rng.choice(("deployments", "pods", "replicasets", "services"))
        path = re.compile(rf"/{resource}\?.*watch=true")
        fault = self.cluster.faults.watch(kind, after=self.rng.randint(0, 6), path=path, user=USER)
        if kind == "silence":  # nothing tells the watchdog for as long as its patience with a watch lasts
            self._disturbed(150, "a silent watch")
        for watch in self.cluster.watches(rf"/{resource}\?"):
            watch.close()
        self._disturbed(_AGAIN, "a spoiled watch")
        self._counted(f"watch: {kind}", fault)

    def _gone_storm(self) -> None:
        """Every watch has to begin anew, and so have the lists after it: the history is compacted again and again."""
        self._disturbed(_DEADLINE + _AGAIN, "a storm of 410 on every watch")
        self.cluster.compact()
        for watch in self.cluster.watches():
            watch.gone()
        where = {"user": USER, "path": re.compile(r"(limit|watch)="), "method": "GET", "count": self.rng.randint(2, 8)}
        self._counted("410 storm", self.cluster.faults.answer(410, {"kind": "Status", "code": 410}, **where))

    def _token_rotated(self) -> None:
        """The token that the watchdog holds ends at once; the file has a new one, or gets it a moment later."""
        self.counts["401: token rotated"] += 1
        late = self.rng.choice((0.0, 0.0, 3.0, 15.0))
        self._disturbed(late + _DEADLINE, "token rotated")
        self._tokens += 1
        new = f"token-{self._tokens}"
        self.cluster._users[new] = self.cluster._users.pop(self._token)
        self._token = new
        self._after(late, lambda: self.token_file.write_text(self._token, encoding="utf-8"))

    def _prometheus_answers(self) -> None:
        """Prometheus answers some of the next queries wrongly, late, in part, or not at all."""
        rng = self.rng
        fault: prom.Fault = rng.choice(
            (
                prom.Status.bad_gateway(),
                prom.Status.unavailable(),
                prom.Status.unprocessable(),
                prom.Status(200, "<html>login</html>"),
                prom.Status(429, "slow down", "text/plain"),
                prom.Hang(),
                prom.Reset(),
                prom.NotANumber(),
                prom.Empty(),
                prom.Delay(rng.uniform(0.5, 14)),
                prom.Late(rng.uniform(3, 20)),
                prom.Warned(),
            )
        )
        if isinstance(fault, prom.Hang):
            self._after(rng.uniform(5, 30), self._prometheus.release)
        if rng.random() < 0.25:
            seconds = rng.uniform(20, 90)
            self._prometheus.until_cleared(fault)
            self._after(seconds, self._prometheus.clear)
            self._disturbed(seconds + 60, "Prometheus answers nonsense")
        else:
            times = rng.randint(1, 6)
            self._prometheus.next(fault, times)
            self._disturbed(_DEADLINE + 5.0 * times, "Prometheus answers nonsense")

    def _channel_answers(self) -> None:
        """The channels refuse, hang, or take a notice and do not say so."""
        faults, rng = self.channels.faults, self.rng
        where = {"path": rng.choice(("", "/hook", "/v2")), "count": rng.choice((1, 1, 2, 4))}
        kind = rng.choice(("500", "503", "429", "html", "hang", "reset", "delay", "truncate", "lose-answer"))
        if kind == "429":
            fault = faults.answer(429, headers={"Retry-After": str(rng.randint(1, 20))}, **where)
        elif kind == "html":
            fault = faults.answer(200, "<html>login</html>", **where)
        elif kind in ("500", "503"):
            fault = faults.answer(int(kind), **where)
        elif kind == "hang":
            fault = faults.hang(**where)
            self._after(rng.uniform(5, 60), fault.remove)
        elif kind == "delay":
            fault = faults.delay(rng.uniform(0.5, 12), **where)
        else:
            make = {"reset": faults.reset, "truncate": faults.truncate, "lose-answer": faults.lose_answer}[kind]
            fault = make(**where)
        self._counted(f"channel answers: {kind}", fault)

    def _wire_spoiled(self) -> None:
        """Bytes come late, broken off, twice or never."""
        rng = self.rng
        name = rng.choice(("api", "api", "prometheus", "channels"))
        after = rng.choice((0, 40, 200, 1000, 5000))
        faults = [Slow(rng.uniform(0.1, 4)), Reset(after), Cut(after), HalfOpen(after), Swallow()]
        if name == "api":
            faults += [Reorder(3), Reorder(3), Repeat(3)]
        fault = rng.choice(faults)
        self.wires[name].next(fault)
        if not isinstance(fault, Reorder | Repeat) and name != "channels":
            # A watch that is half open is noticed only by its silence.
            seconds = 150 if isinstance(fault, HalfOpen) else 3 * _DEADLINE
            self._disturbed(seconds, f"an answer or a watch of {name}: {fault}")

    def _cut_off(self) -> None:
        """One of the servers cannot be reached for a while: refused, or a partition that says nothing."""
        name, seconds = self.rng.choice(tuple(self.wires)), self.rng.uniform(3, 60)
        refused = self.rng.random() < 0.5
        (self.wires[name].refuse if refused else self.wires[name].part)(seconds)
        if name != "channels":
            self._disturbed(seconds + (90 if name == "api" else 60), f"{name} cut off, its watches too")

    def _watchdog_clock(self) -> None:
        """Somebody sets the watchdog's clock, and some time later back."""
        self._set_clock(self.lying, "watchdog", self.rng.choice((-1, 1)) * self.rng.uniform(1, 25))

    def _prometheus_clock(self) -> None:
        """Prometheus stamps its samples with the wrong time."""
        self._set_clock(self.scraped, "Prometheus", self.rng.choice((-1, 1)) * self.rng.uniform(1, 10))

    def _set_clock(self, clock: LyingClock, whose: str, offset: float) -> None:
        self.counts[f"clock of {whose} is wrong"] += 1
        seconds = self.rng.uniform(10, 120)
        self._disturbed(seconds + 60, f"clock of {whose}")
        clock.offset = offset

        def right() -> None:
            clock.offset = 0.0

        self._after(seconds, right)

    # -- what they share -----------------------------------------------------------------------------------------

    def _counted(self, name: str, fault: api_faults.Fault) -> None:
        self._set.append((name, fault))

    def _disturbed(self, seconds: float, why: str) -> None:
        now = self.history.now()
        self.history.windows.append(Window(now, now + timedelta(seconds=seconds), why))

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        self._ends.append((self.clock.monotonic() + seconds, lambda: void(act())))

    def _end_what_is_over(self) -> None:
        now = self.clock.monotonic()
        due = [end for at, end in self._ends if at <= now]
        self._ends = [(at, end) for at, end in self._ends if at > now]
        for end in due:
            end()


def void(_: object) -> None:
    """Nothing comes of it."""
