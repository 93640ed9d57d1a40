"""`watchdog pause`: everybody's acts are frozen, seen, and let go again."""

import asyncio
from pathlib import Path

import pytest

from cli.verbs import a_cluster, call, call_beside


def test_a_pause_is_declared_seen_and_lifted(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_cluster(tmp_path) as settings:
            assert (await call_beside("pause", **settings)).output == "acts are not paused\n"
            declared = await call_beside("pause", "--reason", "the database moves", "--for", "2h", **settings)
            assert declared.exit_code == 0, declared.output
            assert "the database moves" in declared.output
            assert (await call_beside("pause", **settings)).output == declared.output
            assert (await call_beside("pause", "--lift", **settings)).output == "the pause is lifted\n"
            assert (await call_beside("pause", "--lift", **settings)).output == "acts were not paused\n"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reason", "why"), "needs both"),
        (("--for", "2h"), "needs both"),
        (("--reason", " ", "--for", "2h"), "needs both"),
        (("--reason", "why", "--for", "two hours"), "no duration"),
        (("--reason", "why", "--for", "8d"), "out of bounds"),
        (("--reason", "why", "--for", "0s"), "out of bounds"),
        (("--reason", "why", "--for", "500ms"), "write at least 1s"),
        (("--reason", "x" * 1001, "--for", "2h"), "--reason is too long (1,001 characters); write at most 1,000"),
        (("--lift", "--reason", "why"), "takes neither"),
    ],
)
def test_wrong_usage_is_one_clear_line(words: tuple[str, ...], said: str) -> None:
    result = call("pause", *words)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
