"""Health probes: in a row, on enough pods, and a blind spot is not a fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import INTERVAL, a_probe, a_round, a_rule, at
from watchdog.domain.judge import Finding, History, Verdict, judge
from watchdog.domain.judge.shares import enough_pods
from watchdog.domain.measurement import ProbeOutcome
from watchdog.domain.rules import Probe, Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import could_have_fired, with_round

OK, WRONG = ProbeOutcome.EXPECTED, ProbeOutcome.WRONG_STATUS
REFUSED, SLOW = ProbeOutcome.REFUSED, ProbeOutcome.TIMED_OUT
SILENT = [REFUSED, SLOW]


def after(
    *rounds: dict[str, ProbeOutcome],
    rule: Rule | None = None,
    stable: ProbeOutcome | None = None,
    pods: tuple[str, ...] | None = None,
    track: Track | None = None,
) -> Track:
    """The track after rounds 5 s apart; `pods` are the living ones (default: those of each round)."""
    rule = rule or a_rule(a_probe())
    assert isinstance(rule.check, Probe)
    track = track or Track(rule, History(INTERVAL))
    begun = 0 if track.verdict is None else (track.verdict.at - at(0)).total_seconds()
    for n, one in enumerate(rounds, start=1):
        made = a_round(begun + 5 * n, one, stable=stable)
        track = with_round(track, rule.check, made, tuple(one) if pods is None else pods)
    return track


def verdict(
    *rounds: dict[str, ProbeOutcome],
    rule: Rule | None = None,
    stable: ProbeOutcome | None = None,
    pods: tuple[str, ...] | None = None,
) -> Verdict:
    found = after(*rounds, rule=rule, stable=stable, pods=pods).verdict
    assert found is not None
    return found


def row(outcome: ProbeOutcome, times: int) -> list[dict[str, ProbeOutcome]]:
    return [{"a": outcome}] * times


def test_before_the_first_round_there_is_no_data() -> None:
    assert judge(a_rule(a_probe()), History(INTERVAL), None, at(0)).finding is Finding.NO_DATA
    assert verdict({}, pods=()).sentence == "no pod was probed yet"


def test_an_expected_answer_is_a_pass() -> None:
    assert verdict({"a": OK}).finding is Finding.PASS


def test_three_failures_in_a_row_are_a_breach_and_two_are_not_yet() -> None:
    assert verdict({"a": OK}, *row(WRONG, 2)).finding is Finding.UNDECIDED
    answer = verdict({"a": OK}, *row(WRONG, 3))
    assert answer.finding is Finding.BREACH
    assert answer.literal
    assert answer.evidence.since == at(20)
    assert (answer.evidence.value, answer.evidence.limit, answer.evidence.pods_over) == (3, 3, 1)


def test_one_good_answer_ends_the_row() -> None:
    assert verdict({"a": OK}, *row(WRONG, 2), {"a": OK}, *row(WRONG, 2)).finding is Finding.UNDECIDED
    assert verdict({"a": OK}, *row(WRONG, 5), {"a": OK}).finding is Finding.PASS


def test_a_wrong_status_is_evidence_at_once_armed_or_not() -> None:
    assert verdict(*row(WRONG, 3)).finding is Finding.BREACH
    assert verdict(*row(WRONG, 3), stable=REFUSED).finding is Finding.BREACH


@pytest.mark.parametrize("silent", SILENT)
def test_silence_is_no_data_until_the_probe_was_answered_once(silent: ProbeOutcome) -> None:
    answer = verdict(*row(silent, 20))
    assert answer.finding is Finding.NO_DATA
    assert "perhaps the way is blocked" in answer.sentence
    assert not could_have_fired(after(*row(silent, 20)))


@pytest.mark.parametrize("silent", SILENT)
def test_an_answer_from_the_candidate_arms_the_rule(silent: ProbeOutcome) -> None:
    assert verdict({"a": OK}, *row(silent, 3)).finding is Finding.BREACH
    assert could_have_fired(after({"a": OK}))


@pytest.mark.parametrize("silent", SILENT)
def test_an_answer_from_stable_arms_the_rule(silent: ProbeOutcome) -> None:
    assert verdict(*row(silent, 3), stable=OK).finding is Finding.BREACH


def test_another_pods_answer_arms_the_rule_for_all() -> None:
    rounds = [{"a": REFUSED, "b": OK}] * 3
    assert verdict(*rounds).finding is Finding.BREACH


def test_a_wrong_status_does_not_arm() -> None:
    assert verdict(*row(WRONG, 1), *row(REFUSED, 9)).finding is Finding.NO_DATA
    assert verdict(*row(REFUSED, 9), stable=WRONG).finding is Finding.NO_DATA


def test_failures_from_before_the_arming_do_not_count_afterwards() -> None:
    track = after(*row(REFUSED, 9))
    track = after({"a": REFUSED}, track=track, stable=OK)
    assert track.verdict is not None
    assert track.verdict.finding is Finding.UNDECIDED


@pytest.mark.parametrize("elsewhere", SILENT)
@pytest.mark.parametrize("silent", SILENT)
def test_silence_while_stable_is_silent_too_is_no_data(silent: ProbeOutcome, elsewhere: ProbeOutcome) -> None:
    track = after({"a": OK}, stable=OK)
    track = after(*row(silent, 9), track=track, stable=elsewhere)
    assert track.verdict is not None
    assert track.verdict.finding is Finding.NO_DATA
    assert "stable's pods do not answer either" in track.verdict.sentence


def test_what_did_not_count_neither_adds_to_a_row_nor_ends_it() -> None:
    track = after({"a": OK}, *row(REFUSED, 2), stable=OK)
    track = after(*row(REFUSED, 5), track=track, stable=REFUSED)
    assert track.breach is None
    track = after({"a": REFUSED}, track=track, stable=OK)
    assert track.breach is not None


def test_an_armed_rule_stays_armed_and_a_pods_row_survives_a_round_it_was_not_in() -> None:
    rounds = [{"a": OK}, {"a": WRONG}, {"a": WRONG}]
    track = after(*rounds, pods=("a",))
    track = after({}, track=track, pods=("a",))
    track = after({"a": WRONG}, track=track, pods=("a",))
    assert track.breach is not None


def test_a_pod_that_is_gone_is_forgotten_with_its_failures() -> None:
    track = after({"a": OK, "b": OK}, *[{"a": WRONG, "b": OK}] * 2)
    track = after({"b": OK}, track=track, pods=("b",))
    track = after({"a": WRONG, "b": OK}, track=track)
    assert track.verdict is not None
    assert track.verdict.evidence.value == 1


def test_the_number_of_failures_is_the_rules() -> None:
    once = a_rule(a_probe(failures=1))
    assert verdict({"a": WRONG}, rule=once).finding is Finding.BREACH
    five = a_rule(a_probe(failures=5))
    assert verdict(*row(WRONG, 4), rule=five).finding is Finding.UNDECIDED


def test_for_is_counted_from_when_enough_pods_had_failed_often_enough() -> None:
    held = a_rule(a_probe(failures=1), hold=10)
    assert verdict(*row(WRONG, 2), rule=held).finding is Finding.UNDECIDED
    assert verdict(*row(WRONG, 2), rule=held).literal
    assert verdict(*row(WRONG, 3), rule=held).finding is Finding.BREACH
    assert verdict(*row(WRONG, 2), {"a": OK}, *row(WRONG, 2), rule=held).finding is Finding.UNDECIDED


@pytest.mark.parametrize(
    ("failing", "pods", "breach"),
    [(1, 1, True), (1, 5, True), (1, 6, False), (2, 6, True), (1, 50, False), (9, 50, False), (10, 50, True)],
)
def test_above_five_pods_a_fifth_of_them_must_fail(failing: int, pods: int, breach: bool) -> None:
    names = [f"p{n:02}" for n in range(pods)]
    round_ = {name: WRONG if n < failing else OK for n, name in enumerate(names)}
    assert (verdict(*[round_] * 3).finding is Finding.BREACH) is breach
    assert enough_pods(failing, pods) is breach


def test_no_pod_of_none_is_not_enough() -> None:
    assert not enough_pods(0, 0)
    assert not enough_pods(0, 3)


def test_the_sentence_names_the_worst_pod_and_what_it_said() -> None:
    sentence = verdict({"a": OK, "b": WRONG}, *[{"a": WRONG, "b": WRONG}] * 3).sentence
    assert sentence == "2 of 2 pods failed GET /health at least 3 times in a row (b: wrong-status)"


def test_the_breach_stands_when_the_probe_is_answered_again() -> None:
    track = after({"a": OK}, *row(WRONG, 3), {"a": OK})
    assert track.breach is not None
    assert track.verdict is not None
    assert track.verdict.finding is Finding.PASS


outcomes = st.sampled_from(list(ProbeOutcome))
rounds_of_pods = st.lists(st.dictionaries(st.sampled_from("abcdefg"), outcomes), max_size=8)


@given(rounds_of_pods, st.none() | outcomes)
def test_any_rounds_give_a_verdict_and_no_breach_without_a_row_that_counts(
    rounds: list[dict[str, ProbeOutcome]], stable: ProbeOutcome | None
) -> None:
    track = after(*rounds, stable=stable, pods=tuple("abcdefg"))
    if track.breach is not None:
        worst = max(sum(one.get(pod) not in (OK, None) for one in rounds) for pod in {*"abcdefg"})
        assert worst >= 3
    armed = stable is OK or any(OK in one.values() for one in rounds)
    wrong = any(WRONG in one.values() for one in rounds)
    if not armed and not wrong:
        assert track.breach is None


@pytest.mark.parametrize("silent", SILENT)
@pytest.mark.parametrize(
    ("peers", "counts"),
    [((), True), ((REFUSED, SLOW), False), ((REFUSED, SLOW, OK), False), ((REFUSED, OK), True), ((WRONG,), True)],
)
def test_what_most_untouched_peers_do_not_answer_either_does_not_count(
    silent: ProbeOutcome, peers: tuple[ProbeOutcome, ...], counts: bool
) -> None:
    track = after({"a": OK})
    assert isinstance(track.rule.check, Probe)
    for n in range(3):
        track = with_round(track, track.rule.check, a_round(20 + 5 * n, {"a": silent}, peers=peers), ("a",))
    assert track.verdict is not None
    assert track.verdict.finding is (Finding.BREACH if counts else Finding.NO_DATA)
    if not counts:
        assert "pods of peers that nobody touched do not answer either" in track.verdict.sentence


def test_peers_arm_no_probe_and_a_wrong_status_counts_whatever_they_answer() -> None:
    track = Track(a_rule(a_probe()), History(INTERVAL))
    assert isinstance(track.rule.check, Probe)
    silent = with_round(track, track.rule.check, a_round(5, {"a": REFUSED}, peers=[OK]), ("a",))
    assert silent.history.probes is not None
    assert not silent.history.probes.armed
    for n in range(3):
        track = with_round(track, track.rule.check, a_round(5 * n, {"a": WRONG}, peers=[REFUSED]), ("a",))
    assert track.verdict is not None
    assert track.verdict.finding is Finding.BREACH
