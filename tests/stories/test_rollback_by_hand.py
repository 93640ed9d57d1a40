import re

from click.testing import CliRunner

from town import NAMESPACE, OWN, Town, tell
from watchdog.domain.rollout import Target
from watchdog.domain.state import Phase
from watchdog.remote import rollback_by_hand
from watchdog.settings import load
from watchdog.simulator.traffic import Course

TARGET = Target.parse(f"{NAMESPACE}/deployment/research")


def settings_of(town: Town) -> object:
    return load(kubeconfig=town.cluster.kubeconfig(town.folder / "kubeconfig"), namespace=OWN)


def test_a_rollback_by_hand_is_done_once_and_the_watchdog_adopts_tells_and_watches_it() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.sleep(60)
        async with rollback_by_hand(settings_of(town), town.clock, TARGET, reason="checkout is down") as rollback:
            assert town.writes("deployments") == []
            done = await rollback.carry_out()
        assert done.phase is Phase.RECOVERING
        assert town.serving_image("research") == "research:v1"

        by_hand = await town.outcome("research", number=2)
        assert (by_hand["outcome"], by_hand["recovery"]) == ("rolled-back", "recovered"), by_hand["reason"]
        assert "kubernetes-admin: checkout is down" in by_hand["by_hand"]
        assert (await town.outcome("research"))["outcome"] == "superseded"
        assert len(town.writes("deployments")) == 1
        await town.sleep(900)
        assert len(town.records()) == 2
        assert "rolled-back" in town.told("releases")

    tell(story)


def test_a_rollback_by_hand_is_refused_by_the_same_checks_and_writes_nothing() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(30)
        town.cluster.pause(NAMESPACE, "research")
        before = len(town.cluster.writes())
        async with rollback_by_hand(settings_of(town), town.clock, TARGET, reason="x") as rollback:
            assert rollback.watch.phase is Phase.HOLDING
            assert rollback.watch.refusal is not None
            assert rollback.watch.refusal.reason == "paused"
        assert len(town.cluster.writes()) == before
        passed_over = rollback_by_hand(settings_of(town), town.clock, TARGET, reason="x", overridden=("paused",))
        async with passed_over as rollback:
            assert rollback.watch.phase is Phase.ACTING

    tell(story, start=False)


def test_without_a_daemon_the_command_line_says_what_is_wrong() -> None:
    from watchdog.cli import cli  # noqa: PLC0415

    runner = CliRunner()
    wrong_target = runner.invoke(cli, ["rollback", "research", "--reason", "x"])
    assert wrong_target.exit_code == 2
    assert "write namespace/kind/name, of kind deployment, service, statefulset" in wrong_target.output
    wrong_check = runner.invoke(cli, ["rollback", str(TARGET), "--reason", "x", "--override", "nothing"])
    assert wrong_check.exit_code == 2
    assert "there are superseded" in wrong_check.output


def test_by_hand_too_nobody_goes_back_to_what_was_rolled_back_unless_they_say_so() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert record["recovery"] == "recovered"
        async with rollback_by_hand(settings_of(town), town.clock, TARGET, reason="x") as rollback:
            assert rollback.watch.phase is Phase.HOLDING
            assert rollback.watch.refusal is not None
            assert rollback.watch.refusal.reason == "known-bad"
            sentence = rollback.watch.refusal.sentence
            assert f"was rolled back itself at {record['acted_at'][:10]}" in sentence
            assert sentence.endswith(f"in watch {record['watch']}; if you know better, add --override known-bad")
        async with rollback_by_hand(
            settings_of(town), town.clock, TARGET, reason="x", overridden=("known-bad",)
        ) as rollback:
            assert rollback.watch.phase is Phase.ACTING
        assert len(town.writes("deployments")) == 1

    tell(story)


def test_two_rollbacks_by_hand_in_a_row_do_not_play_ping_pong() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(30)
        async with rollback_by_hand(settings_of(town), town.clock, TARGET, reason="x") as rollback:
            assert (await rollback.carry_out()).phase is Phase.RECOVERING
        await town.sleep(2)
        async with rollback_by_hand(settings_of(town), town.clock, TARGET, reason="y") as rollback:
            assert rollback.watch.phase is Phase.HOLDING
            assert rollback.watch.refusal is not None
            assert rollback.watch.refusal.reason == "known-bad"
            assert "was rolled back itself by hand (kubernetes-admin: x) at" in rollback.watch.refusal.sentence

    tell(story, start=False)


def test_who_switched_last_is_who_brought_it_back_and_when_not_who_released_it_first() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2", manager="deploy-bot")
        record = await town.outcome("research")
        template = str(record["candidate"]).split(" ")[0].rsplit("-", 1)[1]
        over = ("known-bad",)
        async with rollback_by_hand(
            settings_of(town), town.clock, TARGET, reason="a load test", to=template, overridden=over
        ) as rollback:
            back = await rollback.carry_out()
        assert back.acted_at is not None
        assert back.switch.by == "the watchdog", "what it leaves was put back by the watchdog"
        assert back.switch.at.isoformat() == record["acted_at"]
        await town.sleep(30)
        async with rollback_by_hand(
            settings_of(town), town.clock, TARGET, reason="no, it is bad", overridden=over
        ) as rollback:
            assert (rollback.watch.switch.by, rollback.watch.switch.at) == ("kubernetes-admin", back.acted_at)
        by_hand = await town.outcome("research", number=2)
        assert by_hand["outcome"] == "rolled-back"
        await town.sleep(900)
        assert len(town.records()) == 2, "it is watched for its recovery alone"

    tell(story)


def test_a_release_that_passed_and_is_put_back_by_hand_is_one_watch_however_slow_the_record_is() -> None:
    async def story(town: Town) -> None:
        town.flip()
        assert (await town.outcome("gateway"))["outcome"] == "passed"
        target = Target.parse(f"{NAMESPACE}/service/gateway")
        async with rollback_by_hand(settings_of(town), town.clock, target, reason="orders are lost") as rollback:
            # The write is done, the record of it still on its way: the flip is sighted in between.
            town.cluster.faults.delay(8, method="PUT", path=re.compile(r"/configmaps/.*by-hand"), count=1)
            assert (await rollback.carry_out()).phase is Phase.RECOVERING
        assert town.colour() == "blue"
        by_hand = await town.outcome("gateway", number=2)
        assert (by_hand["outcome"], by_hand["recovery"]) == ("rolled-back", "recovered"), by_hand["reason"]
        assert "orders are lost" in by_hand["by_hand"]
        await town.sleep(900)
        assert len(town.records()) == 2
        assert len(town.writes("services")) == 1

    tell(story, lambda town: town.furnish_colours())
