import asyncio
from collections.abc import Callable

import pytest

from pipeline import Pipeline, ended
from town import NAMESPACE, Town, tell
from watchdog.domain.flipping import FlipCheck, Objection
from watchdog.engine.flipping import Considered
from watchdog.simulator.behaviour import HealthAnswer
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.traffic import Course, Health, Latency

SWITCHED_BY = "rollback-watchdog.dev/switched-by"


def colours(town: Town) -> None:
    town.furnish_colours()


def furnished(**answers: HealthAnswer) -> Callable[[Town], None]:
    """Colours whose health checks answer so, by the tag of their images."""

    def furnish(town: Town) -> None:
        for tag, answer in answers.items():
            town.behaves(f"gateway:{tag}", health=Health.constant(answer))
        town.furnish_colours()

    return furnish


def patches(town: Town) -> list[str]:
    return [act for act in town.acts() if act.startswith("services/")]


def objected(found: Considered | Objection) -> FlipCheck:
    assert isinstance(found, Objection), found
    return found.check


def test_a_good_green_is_switched_to_by_one_patch_and_passes() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        found, answer = await pipeline.switch("green", reason="release 1.5.0")
        assert answer is None
        assert isinstance(found, Considered)
        assert found.flip is not None
        assert found.flip.change == "colour=blue -> colour=green"
        assert "/health answers on 2 pods" in found.notes
        assert patches(town) == ["services/gateway"]
        assert town.colour() == "green"
        annotations = town.cluster.get("services", NAMESPACE, "gateway")["metadata"]["annotations"]
        assert annotations[SWITCHED_BY] == "kubernetes-admin: release 1.5.0"
        waited = await pipeline.wait("gateway", kind="service", candidate=found.candidate, others=found.watches)
        assert ended(waited) == ("passed", None)
        assert (await town.outcome("gateway"))["switched_by"] == "kubernetes-admin: release 1.5.0"

    tell(story, colours)


def test_a_green_that_is_bad_after_the_switch_is_flipped_back_and_the_pipeline_knows() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.behaves("gateway:v2", latency=Latency(0.6, 1.2))
        found, _ = await pipeline.switch("green")
        assert isinstance(found, Considered)
        waited = await pipeline.wait("gateway", kind="service", candidate=found.candidate, others=found.watches)
        assert ended(waited) == ("rolled-back", "recovered")
        assert town.colour() == "blue"
        # Nobody switches to it again unless they say so.
        again, _ = await pipeline.switch("green")
        assert objected(again) is FlipCheck.KNOWN_BAD
        assert town.colour() == "blue"
        forced, answer = await pipeline.switch("green", override=[FlipCheck.KNOWN_BAD], reason="a fix in its config")
        assert isinstance(forced, Considered)
        assert answer is None
        assert any("passed over known-bad" in note for note in forced.notes)

    tell(story, colours)


def test_a_green_whose_health_check_fails_is_never_switched_to() -> None:
    async def story(town: Town) -> None:
        found, _ = await Pipeline(town).switch("green")
        assert objected(found) is FlipCheck.UNHEALTHY
        assert isinstance(found, Objection)
        assert "503" in found.sentence
        assert patches(town) == []

    tell(story, furnished(v2=503))


def test_a_green_that_refuses_connections_is_unhealthy_where_blue_answers() -> None:
    async def story(town: Town) -> None:
        found, _ = await Pipeline(town).switch("green")
        assert objected(found) is FlipCheck.UNHEALTHY

    tell(story, furnished(v2="refused"))


def test_where_no_pod_can_be_reached_from_here_readiness_counts() -> None:
    async def story(town: Town) -> None:
        found, answer = await Pipeline(town).switch("green")
        assert isinstance(found, Considered)
        assert answer is None
        assert any("cannot be asked from here" in note for note in found.notes)

    tell(story, furnished(v1="refused", v2="refused"), start=False)


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("red", "no colour 'red'; there are blue, green"),
        ("gateway", "no colour 'gateway'; there are blue, green"),
        ("deployment/brand", "no colour 'deployment/brand'; there are blue, green"),
    ],
)
def test_a_colour_that_is_not_there_is_refused_with_those_that_are(to: str, words: str) -> None:
    async def story(town: Town) -> None:
        found, _ = await Pipeline(town).switch(to)
        assert objected(found) is FlipCheck.NO_SUCH_COLOUR
        assert isinstance(found, Objection)
        assert words in found.sentence
        assert patches(town) == []

    def furnish(town: Town) -> None:
        town.furnish("brand")
        town.furnish_colours()

    tell(story, furnish, start=False)


def test_a_deployment_can_be_named_instead_of_its_colour() -> None:
    async def story(town: Town) -> None:
        found, answer = await Pipeline(town).switch("deployment/gateway-green")
        assert isinstance(found, Considered)
        assert answer is None
        assert town.colour() == "green"

    tell(story, colours, start=False)


def test_two_deployments_of_one_colour_are_told_apart_by_name_or_not_at_all() -> None:
    async def story(town: Town) -> None:
        labels = {"app": "gateway", "colour": "green"}
        town.cluster.deploy(NAMESPACE, "gateway-green-2", "gateway:v3", replicas=1, pod_labels=labels)
        found, _ = await Pipeline(town).switch("green")
        assert isinstance(found, Objection)
        assert "write deployment/gateway-green or deployment/gateway-green-2" in found.sentence
        named, _ = await Pipeline(town).switch("deployment/gateway-green")
        assert isinstance(named, Objection)
        assert "do not tell them apart" in named.sentence
        assert patches(town) == []

    tell(story, colours, start=False)


def test_a_green_that_is_not_wholly_ready_is_not_switched_to() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.cluster.scale(NAMESPACE, "gateway-green", 0)
        await town.sleep(5)
        found, _ = await pipeline.switch("green")
        assert objected(found) is FlipCheck.NOT_READY
        town.lives_as("gateway:v3", PodBehaviour.never_ready())
        town.cluster.scale(NAMESPACE, "gateway-green", 2)
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(20)
        found, _ = await pipeline.switch("green")
        assert objected(found) is FlipCheck.ROLLING_OUT
        assert patches(town) == []

    tell(story, colours, start=False)


def test_a_switch_does_not_cut_off_a_watch_that_is_still_open() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        await pipeline.switch("green")
        await town.phase("gateway", "watching")
        found, _ = await pipeline.switch("blue")
        assert objected(found) is FlipCheck.OPEN_WATCH
        assert town.colour() == "green"

    tell(story, colours)


def test_a_service_that_is_on_that_colour_already_is_left_alone() -> None:
    async def story(town: Town) -> None:
        found, _ = await Pipeline(town).switch("blue")
        assert isinstance(found, Considered)
        assert found.flip is None
        assert patches(town) == []

    tell(story, colours, start=False)


def test_somebody_elses_switch_in_the_same_moment_is_never_undone() -> None:
    async def story(town: Town) -> None:
        labels = {"app": "gateway", "colour": "red"}
        town.cluster.deploy(NAMESPACE, "gateway-red", "gateway:v3", replicas=1, pod_labels=labels)
        await town.sleep(5)

        async def flip_first(attempt: object) -> None:
            if town.colour() == "blue":
                town.flip(colour="red")

        town.cluster.before_write(flip_first)  # type: ignore[arg-type]
        _, answer = await Pipeline(town).switch("green")
        assert isinstance(answer, Objection)
        assert answer.check is FlipCheck.CONFLICT
        assert town.colour() == "red"

    tell(story, colours, start=False)


def test_a_label_in_the_same_moment_is_no_reason_to_give_up() -> None:
    async def story(town: Town) -> None:
        labelled: list[object] = []

        async def label_first(attempt: object) -> None:
            if not labelled:
                labelled.append(attempt)
                town.cluster.patch("services", NAMESPACE, "gateway", {"metadata": {"labels": {"team": "edge"}}})

        town.cluster.before_write(label_first)  # type: ignore[arg-type]
        _, answer = await Pipeline(town).switch("green")
        assert answer is None
        assert labelled
        assert town.colour() == "green"

    tell(story, colours, start=False)


def test_a_switch_whose_answer_is_lost_is_done_once() -> None:
    async def story(town: Town) -> None:
        town.cluster.faults.lose_answer(method="PATCH", count=1)
        _, answer = await Pipeline(town).switch("green")
        assert answer is None
        assert town.colour() == "green"
        assert len(town.writes("services")) == 1

    tell(story, colours, start=False)


def test_two_services_are_switched_side_by_side_and_a_rollback_of_one_does_not_undo_the_other() -> None:
    def furnish(town: Town) -> None:
        town.furnish_colours("gateway")
        town.furnish_colours("agent")

    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.behaves("agent:v2", errors=Course.constant(0.3))

        async def released(service: str) -> tuple[str | None, str | None]:
            found, _ = await pipeline.switch("green", service)
            assert isinstance(found, Considered)
            waited = await pipeline.wait(service, kind="service", candidate=found.candidate, others=found.watches)
            return ended(waited)

        good, bad = await asyncio.gather(released("gateway"), released("agent"))
        assert good == ("passed", None)
        assert bad == ("rolled-back", "recovered")
        assert (town.colour("gateway"), town.colour("agent")) == ("green", "blue")

    tell(story, furnish)


def test_a_service_that_nobody_would_watch_is_not_switched() -> None:
    def furnish(town: Town) -> None:
        town.furnish_colours()
        town.cluster.service(NAMESPACE, "stray", {"app": "gateway", "colour": "blue"})

    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        found, _ = await pipeline.switch("green", "stray")
        assert objected(found) is FlipCheck.UNGUARDED
        assert patches(town) == []
        forced, answer = await pipeline.switch("green", "stray", override=[FlipCheck.UNGUARDED], reason="by hand")
        assert isinstance(forced, Considered)
        assert answer is None
        assert town.colour("stray") == "green"

    tell(story, furnish)
