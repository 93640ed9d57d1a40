"""`check --live` on routes by weights: measured by the pods behind their weights, or not looked at."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from survey.scenes import checked, naming, problems
from town import NAMESPACE, OWN, PART_OF, Town, tell
from watchdog.adapters.kubernetes.places import place_of
from watchdog.connected import connected
from watchdog.domain.rollout import Target
from watchdog.settings import load
from watchdog.survey.findings import Finding, Kind, Level
from weights import HTTPROUTE, INGRESS, KINDS, Weights


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.kind)
def test_no_rule_is_said_to_be_blind_that_measures_the_pods_behind_a_route(kind: Weights) -> None:
    async def look(here: Town) -> None:
        assert problems(others(await checked(here, only(kind)))) == []
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
        assert problems(others(found)) == []
        assert not [one for one in found if one.kind is Kind.BLIND_RULE]

    tell(look, furnish, rules=only(HTTPROUTE), start=False)


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.kind)
def test_that_a_guard_of_a_route_alone_does_not_watch_what_rolls_out_behind_it_is_said(kind: Weights) -> None:
    async def look(here: Town) -> None:
        (said,) = [one for one in await checked(here, only(kind)) if one.kind is Kind.BEHIND_A_ROUTE]
        assert (said.level, said.targets) == (Level.WARNING, (kind.target,))
        assert said.message == (
            "guard services watches its weights, and not a rollout of production/deployment/gateway-blue behind them"
        )
        assert said.remedy == 'guard it as well: add "deployment" to its kinds'
        assert only(kind).splitlines()[said.line - 1].startswith("selector")

        kind.weigh(here, 50)
        await here.sleep(30)
        (said,) = [one for one in await checked(here, only(kind)) if one.kind is Kind.BEHIND_A_ROUTE]
        both = "production/deployment/gateway-blue and production/deployment/gateway-green"
        assert said.message == f"guard services watches its weights, and not rollouts of {both} behind them"

    tell(look, kind.furnish, rules=only(kind), start=False)


def test_a_guard_that_names_its_route_is_told_what_to_name_beside_it() -> None:
    rules = naming(HTTPROUTE.target)

    async def look(here: Town) -> None:
        (said,) = [one for one in await checked(here, rules) if one.kind is Kind.BEHIND_A_ROUTE]
        assert said.remedy == 'guard it as well: add "production/deployment/gateway-blue" to its targets'
        both = rules.replace(f'"{HTTPROUTE.target}"', f'"{HTTPROUTE.target}", "production/deployment/gateway-blue"')
        assert [one for one in await checked(here, both) if one.kind is Kind.BEHIND_A_ROUTE] == []

    tell(look, HTTPROUTE.furnish, rules=rules, start=False)


@pytest.mark.parametrize("covering", ["deployment", "service"])
def test_where_the_deployment_or_its_service_is_guarded_as_well_nothing_is_said(covering: str) -> None:
    rules = only(HTTPROUTE).replace('["httproute"]', f'["httproute", "{covering}"]')

    def furnish(here: Town) -> None:
        HTTPROUTE.furnish(here)
        here.cluster.patch("services", NAMESPACE, "gateway-blue", {"metadata": {"labels": PART_OF}})

    async def look(here: Town) -> None:
        assert [one for one in await checked(here, rules) if one.kind is Kind.BEHIND_A_ROUTE] == []

    tell(look, furnish, rules=rules, start=False)


def others(findings: Iterable[Finding]) -> list[Finding]:
    """All but what is said of every guard that covers routes alone."""
    return [one for one in findings if one.kind is not Kind.BEHIND_A_ROUTE]


def only(kind: Weights) -> str:
    """Rules that guard the routes alone."""
    return kind.rules.replace(f'["deployment", "service", "{kind.kind}"]', f'["{kind.kind}"]')


STRANGE = [
    ({"rules": "nope"}, "spec.rules is text, not a list"),
    (
        {"rules": [{"backendRefs": [{"name": "gateway-blue", "port": 80, "weight": "x"}]}]},
        'spec.rules[0].backendRefs[0].weight is "x", not a whole number',
    ),
]


@pytest.mark.parametrize(("spec", "why"), STRANGE, ids=["rules", "weight"])
@pytest.mark.parametrize("named", [True, False], ids=["named", "selected"])
def test_a_guarded_route_that_cannot_be_read_is_told_with_the_place_in_it(
    spec: dict[str, Any], why: str, named: bool
) -> None:
    strange = f"{NAMESPACE}/httproute/strange"
    rules = naming(strange) if named else only(HTTPROUTE)

    def furnish(here: Town) -> None:
        HTTPROUTE.furnish(here)
        here.cluster.create("httproutes", NAMESPACE, {"metadata": {"name": "strange", "labels": PART_OF}, "spec": spec})

    async def look(here: Town) -> None:
        (said,) = [one for one in await checked(here, rules) if strange in one.targets]
        assert said.kind is Kind.NOT_GUARDABLE
        assert said.level is (Level.ERROR if named else Level.WARNING)
        assert said.message == f"is not guarded: it cannot be read: not the shape of its kind ({why})"
        assert rules.splitlines()[said.line - 1].startswith("targets" if named else "selector")

    tell(look, furnish, rules=rules, start=False)


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("-20", "its canary-weight -20 lies outside of 0 to 100, so it counts as 0, no request"),
        ("300", "its canary-weight 300 lies outside of 0 to 100, so it counts as 100, all requests"),
        ("many", 'its canary-weight "many" is no whole number from 0 to 100, so it counts as 0'),
        ("100", ""),
    ],
)
def test_a_canary_weight_that_is_none_is_told_by_check_and_dry_run(weight: str, said: str) -> None:
    rules = naming(INGRESS.target)

    def furnish(here: Town) -> None:
        INGRESS.furnish(here)
        annotation = {"nginx.ingress.kubernetes.io/canary-weight": weight}
        here.cluster.patch("ingresses", NAMESPACE, "gateway", {"metadata": {"annotations": annotation}})

    async def look(here: Town) -> None:
        found = [one for one in await checked(here, rules) if one.kind is Kind.NOT_GUARDABLE]
        assert [(one.level, one.message) for one in found] == (
            [(Level.ERROR, f"guard services covers it, and {said}")] if said else []
        )
        settings = load(kubeconfig=here.cluster.kubeconfig(here.folder / "kubeconfig"), namespace=OWN)
        async with AsyncExitStack() as stack:
            kube = await connected(settings, here.clock, stack)
            place = await place_of(kube, here.clock, Target.parse(INGRESS.target))
        assert place is not None
        assert place.notes == ((said,) if said else ())

    tell(look, furnish, rules=rules, start=False)
