"""What is judged again under another limit is what it would have been at once."""

from hypothesis import given
from hypothesis import strategies as st

from builders import T0, counts, values
from replay.test_tuning import INTERVAL, USUAL, a_file, a_track, errors, rule_of
from watchdog.domain.tracking import under_rule

shares = st.lists(st.sampled_from([0.0, 0.01, 0.04, 0.08, 0.3, 0.8]), min_size=1, max_size=14)


@given(course=shares, limit=st.sampled_from(["2%", "5%", "9%", "40%"]), other=st.sampled_from(["3%", "5%", "20%"]),
       extra=st.sampled_from(['for = "30s"', 'confidence = "99.99%"', ""]))  # fmt: skip
def test_judged_again_is_judged_at_once(course: list[float], limit: str, other: str, extra: str) -> None:
    """A ratio under another limit, `for` or confidence: the same points and the same breach as if it had been there."""
    old, new = a_file(limit), a_file(other).replace("# agreed with support", f"\n{extra}")
    readings = [counts(round(120 * share), 120) for share in course]
    again = under_rule(a_track(rule_of(old), readings, USUAL), rule_of(new))
    fresh = a_track(rule_of(new), readings, USUAL)
    assert again.path == fresh.path
    assert (again.breach and again.breach.at) == (fresh.breach and fresh.breach.at)


@given(course=st.lists(st.floats(50, 900), min_size=1, max_size=14), old=st.sampled_from(["1.2x", "2x", "3x"]),
       new=st.sampled_from(["1.5x", "2.5x"]), hold=st.sampled_from(["0s", "30s", "1m"]))  # fmt: skip
def test_gauges_judged_again_are_judged_at_once(course: list[float], old: str, new: str, hold: str) -> None:
    readings = [values(each * 2.0**20) for each in course]
    whole = values(200 * 2.0**20)
    first = rule_of(a_file(rules='"memory"', memory=f"{old} baseline"), "memory")
    second = rule_of(a_file(rules='"memory"', memory=f"{new} baseline", hold=hold), "memory")
    again, fresh = under_rule(a_track(first, readings, whole), second), a_track(second, readings, whole)
    assert again.path == fresh.path
    assert (again.breach and again.breach.at) == (fresh.breach and fresh.breach.at)


def test_a_total_outage_needs_no_limit() -> None:
    down = [counts(148, 150)] * 2 + errors(0.004, blocks=10)
    track = a_track(rule_of(a_file("5%")), down, USUAL)
    again = under_rule(track, rule_of(a_file("99%")))
    assert again.breach is not None
    assert again.breach.outage
    assert again.breach.at == T0 + 2 * INTERVAL
