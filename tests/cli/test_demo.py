"""`watchdog demo --fast`: the whole main job in one process, as a person without a cluster sees it."""

import asyncio
import shlex
import signal
from pathlib import Path

import pytest

from cli.verbs import outcome, spawn
from watchdog.demo.running import OCTET
from watchdog.simulator.addresses import free_octet


async def test_the_demo_prints_its_rules_first_then_the_story_then_the_expected_outcomes(tmp_path: Path) -> None:
    code, shown, said = await outcome("demo", "--fast", folder=tmp_path)
    assert code == 0, shown + said
    order = [
        shown.index(words)
        for words in ("rules.toml", 'bake       = "25s"', "the watchdog is ready", "Slack", "Outcomes")
    ]
    assert order == sorted(order)
    table = shown[shown.index("Outcomes") :]
    assert all(name in table for name in ("brand", "research", "gateway"))
    assert table.count("rolled-back") == 2
    assert table.count("passed") >= 1
    assert "✘" not in table
    assert "\x1b" not in shown  # there is no terminal


async def test_a_demo_beside_another_one_is_in_nobodys_way(tmp_path: Path) -> None:
    with free_octet(OCTET):  # as long as another demo goes on, it holds this
        code, shown, said = await outcome("demo", "--fast", folder=tmp_path)
    assert code == 0, shown + said


@pytest.mark.timeout(300)  # it goes on in real time
async def test_a_demo_that_is_kept_says_how_the_other_verbs_meet_it(tmp_path: Path) -> None:
    process = await spawn("demo", "--keep", folder=tmp_path)
    assert process.stdout is not None
    settings: dict[str, str] = {}
    async with asyncio.timeout(180):
        while "RULES" not in settings:
            line = (await process.stdout.readline()).decode()
            assert line, "it ended"
            if line.startswith("export WATCHDOG_"):
                [pair] = shlex.split(line.removeprefix("export WATCHDOG_"))
                name, _, value = pair.partition("=")
                settings[name] = value
        beside = ""
        while not beside.rstrip().endswith(")"):  # folded to the width of the terminal
            beside += (await process.stdout.readline()).decode()
        told = await outcome("history", folder=tmp_path, **settings)
        judged = await outcome("dry-run", "--once", folder=tmp_path, **settings)
        checked = await outcome("check", "--live", folder=tmp_path, **settings)
        process.send_signal(signal.SIGINT)
        await process.communicate()
    beside = " ".join(beside.split())
    assert "for the watchdog's verbs alone" in beside
    assert "kubectl" in beside
    assert told[0] == 0, told
    assert all(name in told[1] for name in ("brand", "research", "gateway"))
    assert judged[0] in (0, 3, 4), judged
    assert "nothing was written" in judged[1]
    assert "live; " in checked[1], checked
    assert process.returncode == 0
    assert not await asyncio.to_thread(Path(settings["KUBECONFIG"]).exists)
