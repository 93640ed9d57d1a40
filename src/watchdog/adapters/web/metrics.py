"""The watchdog's own metrics; their names are relied on by dashboards and alerts."""

from collections.abc import Iterable, Iterator, Mapping
from sys import intern

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from watchdog.adapters.web.series import Numbers, States
from watchdog.domain.judge import Finding
from watchdog.domain.measurement import FailureReason
from watchdog.domain.rollout import SwitchKind
from watchdog.domain.shards import Shard
from watchdog.domain.state import Phase

# Without this each counter brings a second series, `..._created`, that nobody asked for.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_END = b"# EOF\n"
_EXEMPLAR = 128  # characters of an exemplar's names and values together, as OpenMetrics has it
_SOURCE = ("source",)  # of rules.toml; "", which to Prometheus is no label at all, for that of the settings


EASED = ("deadline", "batch", "names", "stretch")


class Metrics:
    """Every metric, in a registry of its own. Counters whose labels are known stand at 0 from the start.

    An alert on `increase(...)` would otherwise miss the first event, which has nothing to increase from.
    """

    def __init__(self, shards: int = 1) -> None:
        self.registry = CollectorRegistry()
        self._switches = self._counter("watchdog_switches", "Traffic switches seen.", ["kind"])
        self._watches = self._gauge("watchdog_watches_open", "Watches that are open now.")
        self._outcomes = self._counter("watchdog_outcomes", "Watches ended, by outcome.", ["outcome"])
        self._rollbacks = self._counter("watchdog_rollbacks", "Put-backs tried, by result.", ["kind", "result"])
        self._breach_to_action = Histogram(
            "watchdog_breach_to_action_seconds",
            "From the end of the block that breached to the API server's answer to the put-back.",
            buckets=(0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300),
            registry=self.registry,
        )
        rule, pod = ("target", "rule"), ("target", "rule", "pod")
        self._rule_value = Numbers("watchdog_rule_value", "What a rule measured last.", rule)
        self._rule_verdict = States(
            "watchdog_rule_verdict", "1 for what the judge says of a rule now, else 0.", rule, "verdict", list(Finding)
        )
        self._probe_failures = Numbers("watchdog_probe_failures", "Failed probes of a pod in a row.", pod)
        self._probe_failing_since = Numbers(
            "watchdog_probe_failing_since_timestamp_seconds", "When the first of them failed; 0 where none did.", pod
        )
        self._probe_round = Numbers(
            "watchdog_probe_round_timestamp_seconds", "When a rule's pods were probed last.", rule
        )
        self._of_rules = (
            self._rule_value,
            self._rule_verdict,
            self._probe_failures,
            self._probe_failing_since,
            self._probe_round,
        )
        self._query_seconds = Histogram(
            "watchdog_query_seconds",
            "How long Prometheus took to answer.",
            _SOURCE,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self._query_bytes = self._counter(
            "watchdog_query_bytes", "Size of Prometheus's answers, as they were read.", _SOURCE
        )
        self._loop_lag = Histogram(
            "watchdog_loop_lag_seconds",
            "How late a timer of the event loop rang: while it is late, nothing else happens either.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        self._query_failures = self._counter(
            "watchdog_query_failures", "Queries without a usable answer.", ["reason", *_SOURCE]
        )
        self._circuit_open = self._gauge(
            "watchdog_prometheus_circuit_open", "1 while Prometheus is asked nothing but whether it is back.", _SOURCE
        )
        self._queries_spared = self._counter(
            "watchdog_queries_spared", "Queries not sent while the circuit was open.", _SOURCE
        )
        self._eased = self._gauge(
            "watchdog_prometheus_eased",
            "1 while Prometheus is asked otherwise, as it could not bear more.",
            ["how", *_SOURCE],
        )
        for how in EASED:
            self._eased.labels(how, "").set(0)
        self._notifications = self._counter(
            "watchdog_notifications", "Attempts to tell a channel.", ["channel", "result"]
        )
        self._rules_valid = self._gauge("watchdog_rules_valid", "1 while rules.toml on disk is valid and in force.")
        self._rights_missing = self._gauge(
            "watchdog_rights_missing", "Resources, by namespace, of which the API server does not grant a needed verb."
        )
        if shards == 1:
            self._leader = self._gauge("watchdog_leader", "1 while this replica leads.")
        else:
            self._leader = self._gauge("watchdog_leader", "1 while this replica leads the shard.", ["shard"])
            for number in range(shards):
                self._leader.labels(str(number)).set(0)
        self._open: dict[int, int] = {}  # of each shard
        self._dry_run = self._gauge("watchdog_dry_run", "1 while this is a dry run, which changes nothing.")
        self._unguarded = self._gauge("watchdog_unguarded", "1 for a target that is exempt.", ["target", "reason"])
        self._exempt: dict[str, set[str]] = {}
        self._probed: dict[tuple[str, str], tuple[str, ...]] = {}
        self._begin_at_zero()

    def _counter(self, name: str, help_text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)  # the library adds `_total`

    def _gauge(self, name: str, help_text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry)

    def _begin_at_zero(self) -> None:
        for kind in SwitchKind:
            self._switches.labels(kind.value)
        for phase in Phase:
            if phase.terminal:
                self._outcomes.labels(phase.value)
        for reason in FailureReason:
            self._query_failures.labels(reason.value, "")
        self._query_seconds.labels("")
        self._circuit_open.labels("")
        self._queries_spared.labels("")
        self._query_bytes.labels("")

    def text(self) -> Iterator[bytes]:
        """All of it in Prometheus's text format, piece by piece: whoever sends it can do other things in between."""
        yield generate_latest(self.registry)
        yield from self._series()

    def openmetrics(self) -> Iterator[bytes]:
        """All of it in OpenMetrics 1.0, which alone has exemplars: the last rollback of a kind names its watch."""
        few: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
        yield few.removesuffix(_END)
        yield from self._series()
        yield _END

    def _series(self) -> Iterator[bytes]:
        for series in self._of_rules:
            yield from series.parts()

    def switch_seen(self, kind: str) -> None:
        """A traffic switch of a guarded target was seen."""
        self._switches.labels(kind).inc()

    def watches_open(self, count: int) -> None:
        """That many watches are open now."""
        self._watches.set(count)

    def outcome(self, outcome: str) -> None:
        """A watch ended."""
        self._outcomes.labels(outcome).inc()

    def rollback(self, kind: str, result: str, watch: str = "") -> None:
        """A put-back was tried; `result` is how the API server answered: done, conflicted, refused, unsure.

        `withheld`: a dry run did not ask it. `watch` is the count's exemplar; half an id would find nothing, so one
        that is too long is left out.
        """
        fits = 0 < len(watch) <= _EXEMPLAR - len("watch")
        self._rollbacks.labels(kind, result).inc(exemplar={"watch": watch} if fits else None)

    def breach_to_action(self, seconds: float) -> None:
        """A put-back was taken, this long after the breach."""
        self._breach_to_action.observe(seconds)

    def rule_value(self, target: str, rule: str, value: float | None) -> None:
        """What a rule of an open watch measured last; None removes the series: no data is no number."""
        if value is not None:
            self._rule_value[target, rule] = value
        else:
            self._rule_value.remove(target, rule)

    def rule_verdict(self, target: str, rule: str, verdict: str) -> None:
        """What the judge says of a rule of an open watch now."""
        self._rule_verdict[target, rule] = verdict

    def probed(self, target: str, rule: str, at: float, pods: Mapping[str, tuple[int, float]]) -> None:
        """A round of probes (Unix seconds): per pod how many failed in a row, and since when. Pods that are gone go."""
        for pod in set(self._probed.get((target, rule), ())) - pods.keys():
            self._probe_failures.remove(target, rule, pod)
            self._probe_failing_since.remove(target, rule, pod)
        for pod, (failures, since) in pods.items():
            self._probe_failures[target, rule, pod] = failures
            self._probe_failing_since[target, rule, pod] = since
        self._probe_round[target, rule] = at
        self._probed[target, rule] = tuple(map(intern, pods))

    def forget(self, target: str) -> None:
        """The target's watch ended: its rules' series go, lest a dashboard show them for ever."""
        for series in self._of_rules:
            series.forget(target)
        self._probed = {key: pods for key, pods in self._probed.items() if key[0] != target}

    def query(self, seconds: float, source: str = "") -> None:
        """Prometheus answered, or failed to, after this long."""
        self._query_seconds.labels(source).observe(seconds)

    def query_answered(self, size: int, source: str = "") -> None:
        """An answer of Prometheus's was read: so many bytes."""
        self._query_bytes.labels(source).inc(size)

    def loop_lag(self, seconds: float) -> None:
        """The event loop came so late to what was due."""
        self._loop_lag.observe(seconds)

    def query_failed(self, reason: str, source: str = "") -> None:
        """A query had no usable answer."""
        self._query_failures.labels(reason, source).inc()

    def circuit_open(self, is_open: bool, source: str = "") -> None:
        """Prometheus is spared from now on, or asked again."""
        self._circuit_open.labels(source).set(is_open)

    def eased(self, steps: Iterable[str], source: str = "") -> None:
        """In which of `EASED` ways Prometheus is asked otherwise now."""
        for how in EASED:
            self._eased.labels(how, source).set(how in steps)

    def query_spared(self, source: str = "") -> None:
        """A query was not sent, for Prometheus does not answer."""
        self._queries_spared.labels(source).inc()

    def source_gone(self, source: str) -> None:
        """A source stands in rules.toml no more: whether it is spared, and how, is of no interest."""
        for gauge in (self._circuit_open, self._eased):
            gauge.remove_by_labels({"source": source})

    def notification(self, channel: str, result: str) -> None:
        """A channel was told, or not; `result` is `sent`, `failed` or `gave-up`."""
        self._notifications.labels(channel, result).inc()

    def rules_valid(self, valid: bool) -> None:
        """Whether rules.toml as it is on disk is the one in force."""
        self._rules_valid.set(valid)

    def rights_missing(self, count: int) -> None:
        """Of so many resources (each in each namespace) verbs are needed and not granted."""
        self._rights_missing.set(count)

    def leader(self, leads: bool) -> None:
        """Whether this replica leads. What one that leads no more knew of targets is out of date, and goes."""
        self._leader.set(leads)
        if not leads:
            for series in self._of_rules:
                series.clear()
            self._unguarded.clear()
            self._probed.clear()
            self._exempt.clear()
            self._watches.set(0)

    def leads_shard(self, shard: Shard, leads: bool) -> None:
        """The same of one shard of several: what was known of its targets goes, of the others' nothing."""
        if shard.is_all:
            self.leader(leads)
            return
        self._leader.labels(str(shard.number)).set(leads)
        if not leads:
            known = self._rule_verdict.targets | self._probe_round.targets | self._exempt.keys()
            for target in [one for one in known if shard.has(one.partition("/")[0])]:
                self.forget(target)
                self.unguarded(target)
            self.watches_of_shard(shard, 0)

    def watches_of_shard(self, shard: Shard, count: int) -> None:
        """How many watches of one shard are open now; shown is their sum."""
        self._open[shard.number] = count
        self.watches_open(sum(self._open.values()))

    def dry_run(self, is_one: bool) -> None:
        """Whether what is counted here is of a dry run."""
        self._dry_run.set(is_one)

    def unguarded(self, target: str, *reasons: str) -> None:
        """Why a target is exempt now: `off`, `hold`, ...; without reasons it is guarded, and its series go.

        Each call says all of it; reasons of an earlier call are dropped. Keep them few: each is a series.
        """
        for gone in self._exempt.pop(target, set()) - set(reasons):
            self._unguarded.remove(target, gone)
        if reasons:
            self._exempt[target] = set(reasons)
        for reason in reasons:
            self._unguarded.labels(target, reason).set(1)
