"""What a dry run comes to, and when there is nothing left to wait for."""

from dataclasses import replace

import pytest

from builders import a_block, a_live, a_pod, a_probe, a_ratio, a_rule, a_watch, at, counts, play, signs_of
from watchdog.domain.events import Looked, Measured
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.rules import Rule
from watchdog.domain.standing import exit_code, passes, up_to_date
from watchdog.domain.state import Phase, Watch

ERRORS = a_rule(a_ratio(), name="error-rate")


def standing(phase: Phase = Phase.WATCHING, *findings: Finding, **changes: object) -> Watch:
    """A watch of which each rule says this."""
    findings = findings or (Finding.UNDECIDED,)
    rules = [a_rule(a_ratio(), name=f"rule-{n}") for n, _ in enumerate(findings)]
    watch = replace(a_watch(*rules), phase=phase, **changes)  # type: ignore[arg-type]
    tracks = tuple(
        replace(track, verdict=Verdict(track.rule.name, finding, at(15), ""))
        for track, finding in zip(watch.tracks, findings, strict=True)
    )
    return replace(watch, tracks=tracks)


PASSES = standing(Phase.WATCHING, Finding.PASS, Finding.PASS)


@pytest.mark.parametrize(
    ("watches", "code"),
    [
        ([], 4),
        ([PASSES], 0),
        ([standing(Phase.PASSED)], 0),
        ([PASSES, standing(Phase.WOULD_ROLL_BACK)], 3),
        ([standing(Phase.HELD), standing(Phase.WOULD_ROLL_BACK)], 3),
        ([PASSES, standing(Phase.WATCHING, Finding.PASS, Finding.UNDECIDED)], 4),
        ([PASSES, standing(Phase.WATCHING, Finding.NO_DATA)], 4),
        ([PASSES, standing(Phase.INCONCLUSIVE)], 4),
        ([PASSES, standing(Phase.NOTIFIED)], 4),
        ([PASSES, standing(Phase.HOLDING, Finding.PASS)], 4),
        ([PASSES, standing(Phase.SUPERSEDED)], 0),
        ([standing(Phase.SUPERSEDED)], 4),
    ],
)
def test_what_watches_come_to(watches: list[Watch], code: int) -> None:
    assert exit_code(watches) == code


def test_a_breach_that_is_only_told_does_not_pass_though_the_rule_is_kept_again() -> None:
    assert not passes(replace(PASSES, noted=("rule-0",)))


def test_a_rule_that_is_not_required_may_be_blind() -> None:
    watch = standing(Phase.WATCHING, Finding.PASS, Finding.NO_DATA)
    optional = replace(watch.tracks[1], rule=replace(watch.tracks[1].rule, required=False))
    assert passes(replace(watch, tracks=(watch.tracks[0], optional)))


def seen(rule: Rule) -> Watch:
    """A watch of the rule, whose target was looked at."""
    return play(a_watch(rule), (Looked(a_live(candidate_pods=(a_pod("research-a"),))), 1))[0]


def test_it_is_up_to_date_when_each_block_that_is_due_was_measured() -> None:
    watch = seen(ERRORS)
    assert not up_to_date(a_watch(ERRORS), at(1))
    assert up_to_date(watch, at(17))
    assert not up_to_date(watch, at(18))
    measured, _ = play(watch, (Measured({"error-rate": a_block(1, counts(0, 100))}), 17))
    assert up_to_date(measured, at(18))
    assert not up_to_date(measured, at(33))


def test_probes_are_waited_for_and_signs_are_there_with_the_first_look() -> None:
    assert not up_to_date(seen(a_rule(a_probe(), name="health")), at(1))
    assert up_to_date(seen(a_rule(signs_of("crash-loop"), name="crash")), at(1))


@pytest.mark.parametrize("phase", [Phase.DECIDING, Phase.ACTING])
def test_what_is_being_decided_is_waited_for(phase: Phase) -> None:
    assert not up_to_date(replace(seen(ERRORS), phase=phase), at(1))
