"""`check --live` on guards that miss what they were meant for: another kind, another namespace, no weights."""

import pytest

from survey.scenes import checked, line_of, naming, of
from town import NAMESPACE, RULES, Town, tell
from watchdog.simulator.access import Rule
from watchdog.survey.findings import Finding, Kind, Level
from weights import HTTPROUTE, INGRESS

HEADER = "nginx.ingress.kubernetes.io/canary-by-header"
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"
MAIN, CANARY = f"{NAMESPACE}/ingress/gateway-main", f"{NAMESPACE}/ingress/gateway"


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        ("", "none of the 6 Deployments and Services in production is selected"),
        ('kinds = ["httproute"]', "none of the 1 HTTPRoutes in production is selected"),
        ('kinds = ["statefulset", "ingress"]', "there is no StatefulSet or Ingress in production"),
    ],
)
def test_a_guard_that_selects_nothing_is_told_so_in_the_kinds_that_it_covers(kinds: str, why: str) -> None:
    rules = RULES.replace('part-of=plasma-engine"', f'part-of=elsewhere"\n{kinds}')

    async def look(here: Town) -> None:
        (said,) = of(Kind.GUARDS_NOTHING, await checked(here, rules))
        assert said.message == f"guard services guards nothing: {why}"

    tell(look, HTTPROUTE.furnish, rules=rules, start=False)


def test_a_namespace_that_is_not_there_is_told_once_with_the_nearest_that_is() -> None:
    rules = RULES.replace('namespaces = ["production"]', 'namespaces = ["prodution"]')

    async def look(here: Town) -> None:
        (said,) = of(Kind.GUARDS_NOTHING, await checked(here, rules))
        assert said.message == "guard services looks in namespace prodution, which is not there"
        assert (said.level, said.remedy) == (Level.ERROR, "did you mean production?")
        assert said.line == line_of('["prodution"]', rules)

    tell(look, rules=rules, start=False)


def test_a_target_whose_namespace_is_not_there_is_told_where_it_may_be() -> None:
    rules = naming("prodution/deployment/research")

    async def look(here: Town) -> None:
        (said,) = of(Kind.GUARDS_NOTHING, await checked(here, rules))
        assert said.message.endswith("prodution/deployment/research, which is not there, nor is its namespace")
        assert said.remedy == "did you mean production/deployment/research?"

    tell(look, rules=rules, start=False)


def test_who_may_not_list_namespaces_is_told_no_more_than_is_known() -> None:
    rules = RULES.replace('namespaces = ["production"]', 'namespaces = ["prodution"]')

    async def look(here: Town) -> None:
        token = here.cluster.user("local", [Rule(["get", "list", "watch"], ["*"], namespaces=["prodution"])])
        kubeconfig = here.cluster.kubeconfig(here.folder / "local", token)
        (said,) = of(Kind.GUARDS_NOTHING, await checked(here, rules, kubeconfig=kubeconfig))
        assert said.message == "guard services guards nothing: there is no Deployment or Service in prodution"

    tell(look, rules=rules, start=False)


async def not_guardable(here: Town, rules: str) -> list[Finding]:
    return of(Kind.NOT_GUARDABLE, await checked(here, rules))


def test_an_ingress_that_is_no_canary_is_no_target_and_beside_one_that_is_it_is_only_noted() -> None:
    async def look(here: Town) -> None:
        (said,) = await not_guardable(here, naming(MAIN))
        assert (said.level, said.targets) == (Level.ERROR, (MAIN,))
        assert said.message == (
            "guard services covers it, and it is no canary (it lacks the annotation "
            "nginx.ingress.kubernetes.io/canary): nothing there is ever a switch by weight"
        )
        assert await not_guardable(here, naming(CANARY)) == []
        (said,) = await not_guardable(here, INGRESS.rules)
        assert (said.level, said.targets) == (Level.NOTE, (MAIN,))

    tell(look, INGRESS.furnish, rules=INGRESS.rules, start=False)


def test_a_canary_that_only_a_header_leads_to_is_said_to_be_watched_from_its_first_weight_on() -> None:
    async def look(here: Town) -> None:
        here.cluster.patch("ingresses", NAMESPACE, "gateway", {"metadata": {"annotations": {HEADER: "X-Canary"}}})
        assert await not_guardable(here, naming(CANARY)) == []  # it has a weight, of 0
        here.cluster.patch("ingresses", NAMESPACE, "gateway", {"metadata": {"annotations": {WEIGHT: None}}})
        (said,) = await not_guardable(here, naming(CANARY))
        assert (said.level, said.targets) == (Level.WARNING, (CANARY,))
        assert said.message == (
            "guard services covers it, and requests reach it by canary-by-header alone: "
            "no watch opens until its weight rises, and no put-back keeps those requests away"
        )

    tell(look, INGRESS.furnish, rules=INGRESS.rules, start=False)
