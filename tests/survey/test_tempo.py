"""The tempo that `init` chooses: a block holds a scrape, a bake has room for a proof, thin traffic asks for less."""

from datetime import timedelta

import pytest

from watchdog.domain.rollout import Target
from watchdog.survey.guardables import Guardable
from watchdog.survey.hearing import Heard
from watchdog.survey.pod_probes import PodProbes
from watchdog.survey.rule_choice import choice_of
from watchdog.survey.spellings import Spelling
from watchdog.survey.tempo import Tempo, tempo_of


def heard(per_second: float, errors: float = 0.0, scrape: float | None = 15.0) -> Heard:
    target = Target.parse("shop/deployment/web")
    guardable = Guardable(target, ("web",), {}, None, PodProbes(), None)
    return Heard(guardable, spelling=Spelling("fastapi"), per_second=per_second, error_share=errors, scrape=scrape)


def tempo(per_second: float, errors: float = 0.0, scrape: float | None = 15.0) -> Tempo:
    return tempo_of(heard(per_second, errors, scrape), weighed=2)


@pytest.mark.parametrize(
    ("scrape", "interval"),
    [(1.0, 5), (5.0, 5), (15.0, 15), (14.9, 15), (30.0, 30), (60.0, 60), (None, 15), (900.0, 300)],
)
def test_a_block_is_as_long_as_a_scrape(scrape: float | None, interval: int) -> None:
    assert tempo(20, scrape=scrape).interval == timedelta(seconds=interval)


def test_busy_services_have_the_usual_bake_and_a_proof_within_two_minutes() -> None:
    busy = tempo(12)
    assert busy.proof is not None
    assert timedelta(seconds=45) <= busy.proof <= timedelta(seconds=120)
    assert (busy.bake, busy.thin, busy.limit) == (timedelta(minutes=10), False, 0.05)


def test_less_traffic_takes_longer_to_prove_and_a_longer_bake() -> None:
    rates = (50.0, 12.0, 1.0, 0.5, 0.3, 0.2)
    proofs = [tempo(rate).proof for rate in rates]
    assert all(proof is not None for proof in proofs)
    assert sorted(proofs) == proofs  # type: ignore[type-var]
    bakes = [tempo(rate).bake for rate in rates if not tempo(rate).thin]
    assert sorted(bakes) == bakes
    assert bakes[-1] > bakes[0]


@pytest.mark.parametrize("per_second", [0.0, 0.005])
def test_traffic_that_proves_nothing_within_an_hour_is_no_condition_of_passing(per_second: float) -> None:
    choice = choice_of(heard(per_second))
    assert choice.tempo.thin
    (errors,) = [rule for rule in choice.rules if "http_error_rate" in rule.lines[0]]
    assert errors.lines == ('when = "http_error_rate > 5%"', "min_requests = 10", "required = false")


def test_a_service_that_fails_often_already_gets_a_limit_with_room() -> None:
    assert tempo(20, errors=0.02).limit == 0.05
    noisy = tempo(20, errors=0.041)
    assert noisy.limit == 0.09
    assert noisy.proof is not None
    assert tempo(20, errors=0.9).limit == 0.5
