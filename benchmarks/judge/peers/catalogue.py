"""Every competitor in every setting that the bench plays: its default, what its documentation recommends, and a grid.

All judge the same rule, the release's limit for the share of failed requests; where a document's example has another
threshold (Flagger's success rate of 99 %), its shape is taken and not its number.

`default` is what somebody gets who copies the first example of the documentation; `documented` what it recommends
elsewhere, or what the recordings in ../shared/peer-runs ran ("recorded": with their query, failed / all, which is an
empty vector until an error has been scraped twice); `grid` is what a patient person would try, with everything in the
peer's favour: a query of the candidate's pods alone, no time between an alert and the undoing of a release.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

from benchmarks.judge.peers.alert import Alert
from benchmarks.judge.peers.argo import Argo
from benchmarks.judge.peers.burn_rate import PAGES, Burn, BurnRate
from benchmarks.judge.peers.flagger import Flagger
from benchmarks.judge.peers.kayenta import Kayenta
from benchmarks.judge.peers.mann_whitney import Classifier
from benchmarks.judge.peers.script import Script
from benchmarks.judge.peers.sprt import Sprt
from benchmarks.judge.runs import Policy

Kind = Literal["default", "documented", "grid"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A peer in one setting. `name` is the report's and belongs to no other setting."""

    peer: str
    name: str
    kind: Kind
    policy: Policy


@cache
def settings() -> Sequence[Setting]:
    """All settings of all peers."""
    peers: tuple[Callable[[], Iterator[Setting]], ...]
    peers = (flagger, argo, kayenta, alert, script, burn_rate, sprt)
    return tuple(setting for peer in peers for setting in peer())


def flagger() -> Iterator[Setting]:
    """Flagger 1.36.

    Default: its tutorial "Blue/Green Deployments" (kubernetes-blue-green: interval 30s, threshold 2, iterations 10,
    metric interval 1m). Documented: "Deployment Strategies" (1m, threshold 2, iterations 10) and the canary of "How it
    works" (1m, threshold 10, here with the ten steps from weight 5 to 50 as iterations). Its builtin query is
    the share of successes.
    """
    peer = "Flagger"
    yield Setting(peer, "Flagger 30 s, threshold 2 (tutorial)", "default", Flagger(30, 2, 10))
    yield Setting(peer, "Flagger 60 s, threshold 2 (strategies)", "documented", Flagger(60, 2, 10))
    yield Setting(peer, "Flagger 60 s, threshold 10 (how it works)", "documented", Flagger(60, 10, 10))
    for interval, threshold, iterations in ((60, 5, 10), (60, 1, 10), (15, 5, 40), (15, 2, 40)):
        policy = Flagger(interval, threshold, iterations, query="errors")
        yield Setting(peer, f"Flagger {interval} s, threshold {threshold} (recorded)", "documented", policy)
    for interval, threshold, window in product((10, 15, 30, 60), (1, 2, 3, 5, 8), (60, 120)):
        name = f"Flagger {interval} s, threshold {threshold}, window {window} s"
        yield Setting(peer, name, "grid", Flagger(interval, threshold, 600 // interval, window))


def argo() -> Iterator[Setting]:
    """Argo Rollouts 1.10.

    Default: the AnalysisTemplate `success-rate` of "Analysis & Progressive Delivery" and of "Prometheus Metrics"
    (interval 5m, failureLimit 3, irate over 5m, no count). Documented: the same page's interval 60s with count 5 and
    the default failureLimit 0, and, for an empty answer, `len(result) == 0 || ...` of its "Empty array". `initialDelay`
    is its advice for a metric that needs time to have data.
    """
    peer = "Argo Rollouts"
    template = Argo(300, None, 3, window=300, function="irate")
    yield Setting(peer, "Argo 5 min, failureLimit 3, irate (template)", "default", template)
    sampled = Argo(60, 5, window=300, function="irate")
    yield Setting(peer, "Argo 60 s, count 5, irate (sampled)", "documented", sampled)
    for interval, count, failures in ((60, 10, 0), (60, 10, 3), (15, 40, 3)):
        name = f"Argo {interval} s, count {count}, failureLimit {failures} (recorded)"
        yield Setting(peer, name, "documented", Argo(interval, count, failures, query="errors"))
    guarded = Argo(15, 40, 3, empty="successful")
    yield Setting(peer, "Argo 15 s, count 40, failureLimit 3, no data is success", "documented", guarded)
    for interval, failures, patient in product((5, 10, 15, 30, 60), (0, 1, 2, 3, 4, 5, 6, 8), (False, True)):
        count = 600 // interval
        name = f"Argo {interval} s, failureLimit {failures}{', no data is success, 20 errors' if patient else ''}"
        policy = Argo(interval, count, failures, 20, empty="successful") if patient else Argo(interval, count, failures)
        yield Setting(peer, name, "grid", policy)
    for failures, delay in product((0, 1, 2, 3), (30, 60, 120)):
        name = f"Argo 15 s, failureLimit {failures}, initialDelay {delay} s"
        yield Setting(peer, name, "grid", Argo(15, 40, failures, initial_delay=delay))
    for failures, window in product((0, 1, 2, 3), (30, 120)):
        name = f"Argo 15 s, failureLimit {failures}, window {window} s"
        yield Setting(peer, name, "grid", Argo(15, 40, failures, 20, window=window, empty="successful"))


def kayenta() -> Iterator[Setting]:
    """Kayenta, Spinnaker's canary analysis.

    Default: "Some configuration values to start with" of "Best practices for configuring canary" (lifetime 3 h, each
    60 minutes, scores 95 and 75, no lookback, direction either), which says nothing within ten minutes. Documented:
    `nanStrategy: replace`, `direction: increase` and a critical metric, as "How canary judgment works" and
    docs/canary-config.md advise for errors, each five minutes, so that it can say something within a bake of ten.
    """
    peer = "Kayenta"
    yield Setting(peer, "Kayenta each 60 min (best practices)", "default", Kayenta(3600, 10800))
    errors = Classifier(direction="increase", nan_strategy="replace", critical=True)
    short = Kayenta(300, 600, errors, step=15)
    yield Setting(peer, "Kayenta each 5 min, increase, critical", "documented", short)
    for interval, lookback, allowed in product((60, 120, 180, 300), (False, True), (1.0, 1.5, 3.0, 8.0)):
        judged = Classifier(
            direction="increase", nan_strategy="replace", critical=True, effect_size_thresholds=(1.0, allowed)
        )
        name = f"Kayenta each {interval} s{', lookback' if lookback else ''}, increase of {allowed:g}"
        policy = Kayenta(interval, 600, judged, step=15, lookback=lookback)
        yield Setting(peer, name, "grid", policy)


def alert() -> Iterator[Setting]:
    """A Prometheus alert.

    Default: the shape of "Alerting rules" in Prometheus's documentation (`mean5m > 0.5`, for: 10m), evaluated each
    minute (the global default), over the service, with Alertmanager's default `group_wait` of 30 s. Documented: the
    same page's other example (for: 5m), evaluated as in the configuration that Prometheus ships
    (`evaluation_interval: 15s`).
    """
    peer = "Prometheus alert"
    shipped = Alert(300, 600, 60, "service", group_wait=30)
    yield Setting(peer, "alert 5 min, for 10 min (documentation)", "default", shipped)
    faster = Alert(300, 300, 15, "service", group_wait=30)
    yield Setting(peer, "alert 5 min, for 5 min, each 15 s (documentation)", "documented", faster)
    for window, held in product((30, 60, 120, 300), (0, 15, 30, 45, 60, 90, 120)):
        name = f"alert {window} s, for {held} s"
        yield Setting(peer, name, "grid", Alert(window, held, 15, query="successes"))


def script() -> Iterator[Setting]:
    """The pipeline's script: three breaches in a row, 15 s apart, watched for five minutes; a failed query is 0."""
    peer = "script"
    yield Setting(peer, "script 3 in a row (blogs)", "default", Script(3, 15, 20, pods="service"))
    counted = Script(3, 15, 20, failed_query="counted", pods="service")
    yield Setting(peer, "script 3 in a row, failed query counts", "documented", counted)
    for interval, breaches, window in product((5, 10, 15, 30), (1, 2, 3, 4, 5, 6, 8), (30, 60)):
        name = f"script {interval} s, {breaches} in a row, window {window} s"
        yield Setting(peer, name, "grid", Script(breaches, interval, None, window))


def burn_rate() -> Iterator[Setting]:
    """The SRE workbook, "Alerting on SLOs", table 5-8: an objective of 99.9 %, its two pages, over the service."""
    peer = "burn rate"
    yield Setting(peer, "burn rate 99.9 % (SRE workbook)", "default", BurnRate())
    yield Setting(peer, "burn rate 99.9 %, cut at the switch", "documented", BurnRate(cut=True))
    yield Setting(peer, "burn rate 99 %", "documented", BurnRate(0.01))
    fast = (Burn(1.0, 300.0, 60.0), Burn(1.0, 120.0, 30.0), Burn(1.0, 600.0, 120.0))
    for burn in fast:
        name = f"burn of the limit over {burn.long:.0f} s and {burn.short:.0f} s, cut"
        yield Setting(peer, name, "grid", BurnRate(None, (burn,), cut=True))
    for budget, cut in product((0.002, 0.005, 0.01), (False, True)):
        name = f"burn rate {100 * (1 - budget):g} %, pages{', cut' if cut else ''}, grid"
        yield Setting(peer, name, "grid", BurnRate(budget, PAGES, cut))
    for factor in (14.4, 30.0, 60.0):
        burn = Burn(factor, 300.0, 60.0)
        yield Setting(
            peer, f"burn rate 99.9 %, {factor:g} over 5 min and 1 min, cut", "grid", BurnRate(0.001, (burn,), True)
        )


def sprt() -> Iterator[Setting]:
    """Wald's test: ended by either bound at the textbook's 5 % for both errors; at 0.1 %, begun anew after H0."""
    peer = "SPRT"
    yield Setting(peer, "SPRT limit/5 against limit, alpha 5 %", "default", Sprt(0.2, 1.0, 0.05, 0.05, accepted="ends"))
    yield Setting(peer, "SPRT limit/5 against limit, alpha 0.1 %", "documented", Sprt(0.2, 1.0))
    for (good, bad), alpha in product(
        ((0.5, 1.5), (1.0, 1.6), (1.0, 2.0), (1.0, 4.0), (2.0, 4.0)), (1e-3, 1e-6, 1e-12)
    ):
        name = f"SPRT {good:g} against {bad:g} limits, alpha {alpha:g}"
        yield Setting(peer, name, "grid", Sprt(good, bad, alpha))
