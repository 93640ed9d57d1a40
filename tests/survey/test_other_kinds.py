"""`check --live` on StatefulSets and DaemonSets: what is covered, measured and missing; and that a past has none."""

from sets import SETS, sets
from survey.scenes import checked, of, problems
from town import NAMESPACE, Town, tell
from watchdog.adapters.kubernetes.rights import BY_KIND, RIGHTS, Where
from watchdog.domain.rollout import TargetKind
from watchdog.simulator.access import Rule
from watchdog.survey.findings import Kind


def named(*targets: str) -> str:
    """Rules that guard these by name."""
    listed = ", ".join(f'"{target}"' for target in targets)
    kept = [line for line in SETS.splitlines() if not line.startswith(("selector", "kinds", "namespaces"))]
    return "\n".join(kept).replace("[guards.services]", f"[guards.services]\ntargets = [{listed}]")


def test_they_are_covered_and_measured_by_their_pods_names() -> None:
    async def look(here: Town) -> None:
        assert problems(await checked(here, SETS)) == []
        asked = " ".join(request.query for request in here.prometheus.requests)
        assert "db-[0-9]+" in asked
        assert "agent-[bcdfghjklmnpqrstvwxz2456789]{5}" in asked

    tell(look, sets, rules=SETS, start=False)


def test_one_that_is_named_is_found_or_the_nearest_name_is_told() -> None:
    async def look(here: Town) -> None:
        there = named("production/statefulset/db", "production/daemonset/agent")
        assert of(Kind.GUARDS_NOTHING, await checked(here, there)) == []
        (finding,) = of(Kind.GUARDS_NOTHING, await checked(here, named("production/statefulset/dbb")))
        assert "did you mean production/statefulset/db?" in finding.text

    tell(look, sets, start=False)


def test_rights_are_missed_only_where_a_guard_covers_the_kind() -> None:
    usual = [
        Rule([right.verb], [right.full_resource], [right.group], None, [right.name] if right.name else [])
        for right in RIGHTS
    ]
    of_statefulsets = [
        Rule([right.verb], [right.full_resource], [right.group], [NAMESPACE])
        for right in BY_KIND[TargetKind.STATEFULSET]
    ]
    assert {right.where for right in BY_KIND[TargetKind.STATEFULSET]} == {Where.GUARDED}

    async def look(here: Town) -> None:
        async def missing(rules: str, granted: list[Rule], who: str) -> list[str]:
            kubeconfig = here.cluster.kubeconfig(here.folder / who, here.cluster.user(who, granted))
            found = of(Kind.MISSING_RIGHT, await checked(here, rules, kubeconfig=kubeconfig))
            return sorted(one.message.removeprefix(f"{who} may not ").partition(" in namespace")[0] for one in found)

        only = named("production/statefulset/db")
        assert await missing(named("production/deployment/research"), usual, "ann") == []
        assert await missing(only, usual, "bea") == [
            "get controllerrevisions (apps)",
            "get statefulsets (apps)",
            "list, watch controllerrevisions (apps)",
            "list, watch statefulsets (apps)",
            "patch statefulsets (apps)",
        ]
        assert await missing(only, [*usual, *of_statefulsets], "cem") == []

    tell(look, sets, start=False)
