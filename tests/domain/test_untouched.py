"""Who is a peer of a watch."""

from dataclasses import replace

from builders import BLUE, GREEN, a_flip_switch, a_guard, a_revision, a_rule, a_switch, a_target, a_watch, at
from watchdog.domain.memory import Bad, Memory
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.state import Phase, Watch
from watchdog.domain.untouched import MOST, untouched

BRAND, AGENT = a_target("brand"), a_target("agent")


def remembered(target: Target = BRAND, *, workload: str = "", since: float = -7200, **changes: object) -> Memory:
    serving = a_revision("0ld", workload=workload or target.name)
    return replace(Memory(target, serving, at(since)), **changes)  # type: ignore[arg-type]


def service(name: str, workload: str, **changes: object) -> Memory:
    colours = (f"{name}-blue", f"{name}-green")
    return remembered(a_target(name, kind=TargetKind.SERVICE), workload=workload, colours=colours, **changes)  # type: ignore[arg-type]


def names(*memories: Memory, watch: Watch | None = None, watches: tuple[Watch, ...] = ()) -> list[str]:
    return [str(peer.target) for peer in untouched(watch or a_watch(), memories, watches)]


def watch_with(callers: dict[str, tuple[str, ...]], **changes: object) -> Watch:
    return a_watch(guard=a_guard(a_rule(), callers=callers), **changes)  # type: ignore[arg-type]


def test_every_other_target_that_has_served_for_a_bake_is_a_peer() -> None:
    known = [remembered(), remembered(AGENT), remembered(a_target())]
    assert names(*known) == ["production/deployment/agent", "production/deployment/brand"]
    assert names(*reversed(known)) == names(*known)


def test_what_began_to_serve_less_than_a_bake_before_the_switch_is_none() -> None:
    assert names(remembered(since=-600)) == [str(BRAND)]
    assert names(remembered(since=-599)) == []
    assert names(remembered(since=5)) == []


def test_what_has_an_open_watch_is_none_until_it_has_ended() -> None:
    serving = a_revision("0ld", workload="brand")
    other = a_watch(switch=a_switch(candidate=serving, previous=None, target=BRAND))
    assert names(remembered(), watches=(other,)) == []
    assert names(remembered(), watches=(replace(other, phase=Phase.RECOVERING),)) == []
    assert names(remembered(), watches=(replace(other, phase=Phase.PASSED),)) == [str(BRAND)]


def test_what_serves_in_spite_of_a_breach_fails_for_reasons_of_its_own() -> None:
    memory = remembered()
    assert names(replace(memory, doubted=True)) == []
    assert names(replace(memory, bad=(Bad(memory.serving, "a watch", at(-9000)),))) == []


def test_a_service_and_its_serving_colour_are_one_peer_and_the_idle_colour_is_none() -> None:
    blue = remembered(a_target("web-blue"))
    green = remembered(a_target("web-green"), idle=True)
    assert names(blue, service("web", "web-blue"), green) == ["production/service/web"]
    assert names(service("web", "web-blue"), service("admin", "web-blue")) == ["production/service/admin"]
    assert names(service("web", "web-blue"), replace(blue, since=at(-60))) == []


def test_neither_colour_of_the_flip_that_is_watched_is_a_peer() -> None:
    flip = a_watch(switch=a_flip_switch())
    others = [
        service("admin", BLUE.workload),
        remembered(a_target(BLUE.workload)),
        remembered(a_target(GREEN.workload)),
    ]
    assert names(*others, remembered(), watch=flip) == [str(BRAND)]


def test_callers_of_the_candidate_are_none_by_whatever_name_and_through_whomever() -> None:
    web = service("web", "web-blue")
    for called in ("production/deployment/research", "production/service/research"):
        for caller in ("production/service/web", "production/deployment/web-blue", "production/deployment/web-green"):
            own = service("research", "research")
            assert names(own, web, remembered(), watch=watch_with({called: (caller,)})) == [str(BRAND)]
    through = {
        "production/deployment/research": ("production/deployment/brand",),
        "production/deployment/brand": ("production/deployment/agent", "production/deployment/research"),
    }
    assert names(remembered(), remembered(AGENT), web, watch=watch_with(through)) == ["production/service/web"]
    others = watch_with({"production/deployment/brand": ("production/deployment/agent",)})
    assert names(remembered(), remembered(AGENT), watch=others) == [str(AGENT), str(BRAND)]


def test_callers_of_a_flipped_service_are_those_of_any_service_of_the_flip() -> None:
    flip = watch_with({"production/service/admin": (str(BRAND),)}, switch=a_flip_switch("gateway", "admin"))
    assert names(remembered(), remembered(AGENT), watch=flip) == [str(AGENT)]


def test_of_many_those_of_the_own_namespace_are_compared_first() -> None:
    far = [remembered(Target("apart", TargetKind.DEPLOYMENT, f"far-{n:02}")) for n in range(20)]
    near = [remembered(a_target(f"near-{n:02}")) for n in range(5)]
    found = names(*far, *near)
    assert len(found) == MOST
    assert found[:5] == [f"production/deployment/near-{n:02}" for n in range(5)]
