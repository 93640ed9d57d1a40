"""Where a breached rule hurts, in a sentence: of whom, by how much, on which node; other people's text stays text."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from builders import (
    a_gauge,
    a_history,
    a_latency,
    a_live,
    a_pod,
    a_probe,
    a_ratio,
    a_round,
    a_rule,
    a_watch,
    alerts_of,
    an_alert,
    at,
    firing,
    play,
    signs_of,
    values,
)
from watchdog.domain.conditions import Op
from watchdog.domain.counting import Increase
from watchdog.domain.events import Looked, Probed, Sliced
from watchdog.domain.hurting import breached, counted, of_pods, said_of
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.judge.verdict import Evidence
from watchdog.domain.measurement import ProbeOutcome
from watchdog.domain.record import record_of, watch_of
from watchdog.domain.rules import Rule
from watchdog.domain.slices import locate
from watchdog.domain.state import Phase, Slice, Track, Watch

NODES = {"research-000": "b7", "research-001": "b8", "research-002": "b9"}


def breached_watch(rule: Rule, *, limit: float | None = 0.05, when: float = 60.0, history: object = None) -> Watch:
    """A watch whose one rule has breached at that time."""
    verdict = Verdict(rule.name, Finding.BREACH, at(when), "it is", literal=True, evidence=Evidence(limit=limit))
    watch = a_watch(rule, breached=(rule.name,))
    [track] = watch.tracks
    known = {} if history is None else {"history": history}
    return replace(watch, tracks=(replace(track, breach=verdict, **known),))  # type: ignore[arg-type]


def grew(amount: float, pod: str = "research-000", **labels: str) -> Increase:
    return Increase(pod, {"pod": pod, "namespace": "production", **labels}, amount, 4, 0.0, 60.0)


def said(track: Track, lead: Sequence[Increase], bad: Sequence[Increase] = (), nodes: Mapping[str, str] = NODES) -> str:
    what, cells = counted(track, lead, bad, ("status",))
    return said_of(track, what, locate(cells), nodes).sentence


def requests(*failing: float) -> tuple[list[Increase], list[Increase]]:
    """A hundred requests of a route and 300 of another on each pod; `failing`: how many of the route's fail there."""
    lead, bad = [], []
    for number, failed in enumerate(failing):
        pod = f"research-{number:03}"
        lead += [
            grew(100.0 - failed, pod, handler="/checkout", status="2xx"),
            grew(failed, pod, handler="/checkout", status="5xx"),
        ]
        lead += [grew(300.0, pod, handler="/items", status="2xx")]
        bad += [grew(failed, pod, handler="/checkout", status="5xx")]
    return lead, bad


def the_track(rule: Rule | None = None, limit: float = 0.05) -> Track:
    return breached_watch(rule or a_rule(), limit=limit).tracks[0]


def test_the_route_the_share_of_it_and_the_pods() -> None:
    sentence = said(the_track(), *requests(40, 41, 39))
    assert sentence == "all of the failures are /checkout (25 % of the requests); all 3 pods alike"


def test_one_pod_with_its_node() -> None:
    sentence = said(the_track(), *requests(0, 60, 0))
    assert sentence == (
        "all of the failures are /checkout (25 % of the requests); "
        "one pod of 3 has all of the failures (33 % of the requests): research-001, on node b8"
    )


def test_a_node_on_which_all_pods_run_or_that_is_not_known_is_not_said() -> None:
    for nodes in ({}, dict.fromkeys(NODES, "b7")):
        assert said(the_track(), *requests(0, 60, 0), nodes).endswith(": research-001")


def test_pods_of_one_node_share_it() -> None:
    nodes = {f"research-{number:03}": "b7" if number < 2 else "b8" for number in range(6)}
    sentence = said(the_track(), *requests(90, 90, 0, 0, 0, 0), nodes)
    assert sentence.endswith("(33 % of the requests): research-000, research-001, all on node b7")


@pytest.mark.parametrize("label", ["status", "code", "status_code", "response_flags", "user_id", "email", "le", "job"])
def test_how_a_request_ended_who_asked_and_who_scraped_are_no_slices(label: str) -> None:
    bad = [grew(200, **{label: "one"})]
    assert said(the_track(), [*bad, grew(600, **{label: "two"})], bad) == ""


@pytest.mark.parametrize("label", ["zone", "country_code", "tenant", "http_route", "client"])
def test_what_tells_parts_of_the_traffic_apart_is(label: str) -> None:
    bad = [grew(200, **{label: "one"})]
    assert "one (25 % of the requests)" in said(the_track(), [*bad, grew(600, **{label: "two"})], bad)


def test_requests_without_the_label_are_said_to_be_without() -> None:
    bad = [grew(200)]
    sentence = said(the_track(), [*bad, grew(600, zone="eu-1")], bad)
    assert sentence == "all of the failures are without zone (25 % of the requests)"


def test_of_a_share_that_must_not_fall_the_rest_are_the_failures() -> None:
    good = [grew(600, handler="/items"), grew(20, handler="/checkout")]
    lead = [grew(600, handler="/items"), grew(200, handler="/checkout")]
    sentence = said(the_track(a_rule(a_ratio(0.95, op=Op.BELOW))), lead, good)
    assert sentence == "all of the failures are /checkout (25 % of the requests)"


def histogram(route: str, fast: float, slow: float) -> list[Increase]:
    counts = {"0.1": fast, "0.5": fast, "1.0": fast + slow, "+Inf": fast + slow}
    return [grew(count, handler=route, le=le) for le, count in counts.items()]


def test_of_a_latency_the_slow_ones_by_the_bucket_they_are_counted_with() -> None:
    track = the_track(a_rule(a_latency(0.4)), limit=0.4)
    sentence = said(track, [*histogram("/report", 50, 150), *histogram("/items", 800, 3)])
    assert sentence == "98 % of the requests slower than 500 ms are /report (20 % of the requests)"


def test_hostile_values_are_cut_and_written_out() -> None:
    evil = "<b>\n\u202e" + "x" * 10_000
    bad = [grew(200, zone=evil)]
    sentence = said(the_track(), [*bad, grew(600, zone="eu-1")], bad)
    assert sentence.isprintable()
    assert len(sentence) < 200
    assert "<b>\\n\\u202ex" in sentence


def test_a_gauge_tells_which_pods_are_over() -> None:
    rule = a_rule(a_gauge(100.0))
    pods = {"research-000": 500.0, "research-001": 300.0, "research-002": 20.0}
    watch = breached_watch(rule, limit=100.0, when=15.0, history=a_history(values(pods)))
    found = of_pods(watch, watch.tracks[0], NODES)
    assert found.sentence == "2 pods of 3: research-000, research-001"
    even = breached_watch(rule, limit=10.0, when=15.0, history=a_history(values(pods)))
    assert of_pods(even, even.tracks[0], NODES).sentence == "all 3 pods alike"
    forgotten = breached_watch(rule, limit=10.0, when=15.0)
    assert of_pods(forgotten, forgotten.tracks[0], NODES).sentence == ""


def test_a_sign_and_a_probe_tell_which_pods() -> None:
    pods = (a_pod("research-000", restarts=4), a_pod("research-001"), a_pod("research-002"))
    rules = (a_rule(signs_of("crash-loop")), a_rule(a_probe(failures=2)))
    watch = a_watch(*rules)
    outcomes = {"research-000": ProbeOutcome.EXPECTED, "research-001": ProbeOutcome.WRONG_STATUS}
    live = a_live(30, candidate_pods=tuple(replace(pod, created=at(1)) for pod in pods))
    rounds = [(Probed("health", a_round(40 + n, outcomes)), 40.0 + n) for n in range(3)]
    watch, _ = play(watch, (Looked(live), 30), *rounds)
    crash, health = watch.tracks
    assert {track.rule.name for track in breached(watch)} == {"crash", "health"}
    assert of_pods(watch, health, NODES).sentence == "one pod of 3: research-001, on node b8"
    assert of_pods(watch, crash, NODES).sentence == "one pod of 3: research-000, on node b7"


def test_an_alert_tells_which_pods_bear_it() -> None:
    rule = a_rule(alerts_of("CheckoutErrorsHigh"))
    history = a_history(firing(an_alert(pods=("research-002",))))
    watch = breached_watch(rule, when=15.0, history=history)
    pods = tuple(a_pod(name) for name in NODES)
    watch, _ = play(watch, (Looked(a_live(20, candidate_pods=pods)), 20))
    assert of_pods(watch, watch.tracks[0], NODES).sentence == "one pod of 3: research-002, on node b9"


def test_what_was_found_out_is_kept_once_and_read_back_and_old_records_have_none() -> None:
    watch = breached_watch(a_rule())
    first, again = Slice("error-rate", "all 3 pods alike"), Slice("error-rate", "another")
    told, effects = play(watch, (Sliced((first,)), 70), (Sliced((again, Slice("cpu", ""))), 80))
    assert effects == ()
    assert told.slices == (first, Slice("cpu", ""))
    assert told.hurts == ("error-rate: all 3 pods alike",)
    document = record_of(told)
    assert document["slices"] == ["error-rate: all 3 pods alike"]
    assert watch_of(document).slices == told.slices
    del document["state"]["slices"]
    assert watch_of(document).slices == ()
    ended = replace(told, phase=Phase.HELD, slices=())
    assert play(ended, (Sliced((first,)), 90))[0] == replace(ended, slices=(first,))
