from collections.abc import Callable

import pytest

from town import NAMESPACE, PART_OF, RULES, Town, tell
from watchdog.domain.annotations import HOLD
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=90)


async def held_then_acted_on(town: Town, target: str, because: str, mend: Callable[[], object]) -> None:
    """The watch is held for that reason and paged; once the reason is gone, it acts once."""
    record = await town.phase(target, "holding")
    assert because in record["reason"]
    assert record["state"]["refusal"]["sentence"] == record["reason"]
    await town.sleep(60)
    assert town.acts() == []
    assert told(town) == ["switch", "held"]
    assert town.told("oncall") == ["held"]
    notice, _ = town.channels["oncall"].told[0]
    assert because in notice.title

    mend()
    record = await town.outcome(target)
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
    assert told(town) == ["switch", "held", "rolled-back", "recovered"]
    assert town.told("oncall") == ["held", "rolled-back"]


def told(town: Town) -> list[str]:
    """What the releases were told, but for the annotation itself."""
    return [topic for topic in town.told() if topic != "unguarded"]


def test_a_paused_deployment_is_undone_once_it_is_resumed() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(60)
        town.cluster.pause(NAMESPACE, "research")

        await held_then_acted_on(
            town, "research", "paused", lambda: town.cluster.pause(NAMESPACE, "research", paused=False)
        )
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_deployment_on_hold_is_undone_once_the_annotation_is_taken_off() -> None:
    async def story(town: Town) -> None:
        def annotate(text: str | None) -> None:
            town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"annotations": {HOLD: text}}})

        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        annotate("until=2026-03-02T12:00:00Z; schema migration 42")

        await held_then_acted_on(town, "research", "schema migration 42", lambda: annotate(None))
        assert town.acts() == ["deployments/research"]
        assert town.told().count("unguarded") == 1

    tell(story, scrape_interval=15)


def test_a_deployment_on_hold_is_undone_once_its_hold_has_run_out() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2", annotations={HOLD: "until=2026-03-02T03:05:00Z; schema migration 42"})

        await town.sleep(30)
        assert shown(town) == ['watchdog_unguarded{reason="hold",target="production/deployment/research"} 1.0']
        await held_then_acted_on(town, "research", "schema migration 42", lambda: None)
        assert shown(town) == []
        assert town.records()[0]["acted_at"] >= "2026-03-02T03:05:00"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def shown(town: Town) -> list[str]:
    """The series of `watchdog_unguarded`."""
    assert town.watchdog is not None
    lines = b"".join(town.watchdog.metrics.text()).decode().splitlines()
    return [line for line in lines if line.startswith("watchdog_unguarded{")]


def test_a_hold_without_an_end_holds_nothing_and_that_is_told() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2", annotations={HOLD: "schema migration 42"})
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert town.told().count("unguarded") == 1
        notice = next(notice for notice, _ in town.channels["releases"].told if notice.topic == "unguarded")
        assert "is put back all the same" in notice.title
        assert "it needs one end and a reason" in notice.title

    tell(story, scrape_interval=15)


def test_a_blue_without_a_ready_pod_is_flipped_back_to_once_it_is_scaled_up() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.sleep(60)
        town.cluster.scale(NAMESPACE, "gateway-blue", 0)

        await held_then_acted_on(
            town, "gateway", "restore_replicas", lambda: town.cluster.scale(NAMESPACE, "gateway-blue", 2)
        )
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_blue_whose_pods_are_not_ready_is_flipped_back_to_once_they_are() -> None:
    async def story(town: Town) -> None:
        def ready(*, ready: bool) -> None:
            for pod in town.cluster.pods_of(NAMESPACE, "gateway-blue"):
                town.cluster.set_ready(NAMESPACE, pod["metadata"]["name"], ready=ready)

        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.sleep(60)
        ready(ready=False)

        await held_then_acted_on(town, "gateway", "0 of 2 pods of gateway-blue", lambda: ready(ready=True))
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_blue_that_was_scaled_down_is_scaled_up_first_where_the_guard_says_so() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.sleep(60)
        town.cluster.scale(NAMESPACE, "gateway-blue", 0)
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.colour() == "blue"
        assert town.acts() == ["deployments/gateway-blue/scale", "services/gateway"]
        assert len(town.cluster.ready_pods(NAMESPACE, "gateway-blue")) == 2
        assert town.told("oncall") == ["rolled-back"]

    tell(
        story,
        Town.furnish_colours,
        rules=RULES.replace("channels   =", "restore_replicas = true\nchannels   =", 1),
        scrape_interval=15,
    )


def _with_configmap(town: Town) -> None:
    town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": "research-v1"}, "data": {"MODE": "a"}})
    town.cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF, spec=_from("research-v1"))
    town.cluster.service(NAMESPACE, "research")


def _from(configmap: str) -> dict[str, object]:
    container = {"name": "app", "envFrom": [{"configMapRef": {"name": configmap}}]}
    return {"template": {"spec": {"containers": [container]}}}


def test_an_old_template_whose_configmap_is_gone_is_undone_to_once_the_configmap_is_back() -> None:
    async def story(town: Town) -> None:
        def come_back() -> None:
            town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": "research-v1"}, "data": {"MODE": "a"}})

        town.cluster.create("configmaps", NAMESPACE, {"metadata": {"name": "research-v2"}, "data": {"MODE": "b"}})
        town.behaves("research:v2", errors=FAILING)
        container = {"name": "app", "envFrom": [{"configMapRef": {"name": "research-v2"}}]}
        replaced = {"template": {"spec": {"containers": [{**container, "image": "research:v2"}]}}}
        town.deploy("research", "research:v2", spec=replaced)
        await town.sleep(60)
        town.cluster.delete("configmaps", NAMESPACE, "research-v1")

        await held_then_acted_on(town, "research", "configmap/research-v1", come_back)
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, _with_configmap, scrape_interval=15)


def test_a_stable_that_was_over_the_limit_already_is_gone_back_to_once_the_release_is_much_worse() -> None:
    def furnish(town: Town) -> None:
        town.behaves("research:v1", errors=Course.constant(0.08))
        town.furnish("research")

    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.constant(0.085))
        town.deploy("research", "research:v2")
        record = await town.phase("research", "holding")
        assert "stable itself was at" in record["reason"]
        await town.sleep(60)
        assert town.told("oncall") == ["held"]
        assert town.acts() == []

        town.behaves("research:v2", errors=Course.constant(0.4))
        record = await town.outcome("research")
        # It is back where it was, and that was above the limit already.
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "not-recovered")
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told("oncall") == ["held", "rolled-back", "not-recovered"]

    tell(story, furnish, scrape_interval=15)


def test_a_blue_that_was_deployed_anew_is_not_what_served_and_not_gone_back_to() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.sleep(60)
        town.deploy("gateway-blue", "gateway:v3")
        record = await town.outcome("gateway")

        assert record["outcome"] == "held"
        assert "gateway-blue no longer runs what served" in record["reason"]
        assert town.colour() == "green"
        assert town.acts() == []
        assert len(town.records()) == 1
        assert town.told("oncall") == ["held"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_reason_that_goes_away_when_the_rule_no_longer_holds_is_not_acted_on() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=90, until=200))
        town.deploy("research", "research:v2")
        await town.sleep(60)
        town.cluster.pause(NAMESPACE, "research")
        await town.phase("research", "holding")
        await town.sleep(240)
        town.cluster.pause(NAMESPACE, "research", paused=False)
        record = await town.outcome("research")

        assert record["outcome"] == "held"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() == []
        assert town.told() == ["switch", "held"]

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("pruned", [False, True], ids=["a restart", "a pruned history"])
def test_what_no_undo_can_change_is_held_for_good(*, pruned: bool) -> None:
    because = "is gone (revisionHistoryLimit, or deleted)" if pruned else "differs in annotations alone"

    async def story(town: Town) -> None:
        if pruned:
            town.behaves("research:v2", errors=FAILING)
            town.deploy("research", "research:v2", spec={"revisionHistoryLimit": 0})
        else:
            town.cluster.restart(NAMESPACE, "research")
            await town.sleep(60)
            town.behaves("research:v1", errors=Course.constant(0.3))
        record = await town.outcome("research")

        assert record["outcome"] == "held"
        assert because in record["reason"]
        assert town.acts() + town.acts(refused=True) == []
        assert town.told() == ["switch", "held"]
        assert town.told("oncall") == ["held"]

    tell(story, scrape_interval=15)
