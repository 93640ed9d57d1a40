"""`check --live` on routes by weights: measured by the pods behind their weights, or not looked at."""

from typing import Any

import pytest

from survey.scenes import checked, problems
from town import NAMESPACE, PART_OF, Town, tell
from watchdog.survey.findings import Kind
from weights import HTTPROUTE, KINDS, Weights


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.kind)
def test_no_rule_is_said_to_be_blind_that_measures_the_pods_behind_a_route(kind: Weights) -> None:
    async def look(here: Town) -> None:
        assert problems(await checked(here, only(kind))) == []
        asked = " ".join(request.query for request in here.prometheus.requests)
        assert "gateway-blue-" in asked

    tell(look, kind.furnish, rules=only(kind), start=False)


def test_a_port_that_the_pods_behind_a_route_do_not_declare_is_told_by_their_name() -> None:
    rules = only(HTTPROUTE).replace('port = "http"', 'port = "admin"')
    assert rules != only(HTTPROUTE)

    async def look(here: Town) -> None:
        said = [one for one in problems(await checked(here, rules)) if "declares the port" in one]
        assert said
        assert "no container of gateway-blue declares the port admin" in " ".join(said)

    tell(look, HTTPROUTE.furnish, rules=rules, start=False)


@pytest.mark.parametrize("backends", [[], [{"name": "elsewhere", "port": 80}]], ids=["no weights", "no Service"])
def test_a_route_behind_which_no_pods_are_known_is_not_looked_at(backends: list[dict[str, Any]]) -> None:
    def furnish(here: Town) -> None:
        HTTPROUTE.furnish(here)
        spec = {"rules": [{"backendRefs": backends}]}
        here.cluster.create("httproutes", NAMESPACE, {"metadata": {"name": "other", "labels": PART_OF}, "spec": spec})

    async def look(here: Town) -> None:
        found = await checked(here, only(HTTPROUTE))
        assert problems(found) == []
        assert not [one for one in found if one.kind is Kind.BLIND_RULE]

    tell(look, furnish, rules=only(HTTPROUTE), start=False)


def only(kind: Weights) -> str:
    """Rules that guard the routes alone."""
    return kind.rules.replace(f'["deployment", "service", "{kind.kind}"]', f'["{kind.kind}"]')
