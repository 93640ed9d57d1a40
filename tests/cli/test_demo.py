"""`watchdog demo --fast`: the whole main job in one process, as a person without a cluster sees it."""

from pathlib import Path

from cli.verbs import outcome
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
