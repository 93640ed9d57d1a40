"""What a process loads before it does anything: nothing that it does not need."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest

from cli.test_run import all_there
from cli.verbs import environment
from town import RULES

HEAVY = ("pandas", "numpy", "matplotlib", "prometheus_api_client")
NOT_FOR_THE_DAEMON = (
    *HEAVY,
    "watchdog.simulator",
    "watchdog.demo",
    "watchdog.replay",
    "watchdog.rehearsal",
    "kubernetes_asyncio.client.api",
    "kubernetes_asyncio.client.models",
    "kubernetes_asyncio.dynamic",
    "kubernetes_asyncio.stream",
    "rich",
    "pygments",
)
ONE_CHANNEL = RULES.replace(', "oncall"', "").split("[channels.oncall]", maxsplit=1)[0]


async def loaded(folder: Path, *words: str, **settings: str) -> set[str]:
    """The modules that `watchdog WORDS` has loaded when it has started, or ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "watchdog", *words),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**settings),
    )
    assert process.stderr is not None
    said = []
    async for line in process.stderr:
        said.append(line.decode())
        if '"event": "started"' in said[-1]:
            process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0, "".join(line for line in said if not line.startswith("import time:"))
    return set(re.findall(r"^import time: .*\| +(\S+)$", "".join(said), re.MULTILINE))


def among(modules: set[str], *packages: str) -> list[str]:
    return sorted(name for name in modules if any(name == one or name.startswith(f"{one}.") for one in packages))


async def test_the_daemon_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    modules = await loaded(tmp_path, "run", **all_there(tmp_path, ONE_CHANNEL))
    assert "watchdog.engine.supervisor" in modules
    assert among(modules, *NOT_FOR_THE_DAEMON) == []


async def test_the_daemon_reads_its_settings_elsewhere_and_keeps_no_pydantic(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "watchdog", "run"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**all_there(tmp_path, ONE_CHANNEL)),
    )
    assert process.stderr is not None
    while '"event": "started"' not in (line := (await process.stderr.readline()).decode()):
        assert line, "it never started"
    mapped = Path(f"/proc/{process.pid}/maps").read_text()  # noqa: ASYNC240 - there is no disk behind it
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert "/frozenlist/" in mapped  # libraries show there
    assert "pydantic_core" not in mapped


async def test_of_apprises_plugins_the_daemon_loads_those_of_its_channels(tmp_path: Path) -> None:
    modules = await loaded(tmp_path, "run", **all_there(tmp_path, ONE_CHANNEL))
    # The one that is asked for is loaded by its name, which is not listed; others would be, with what they need.
    assert set(among(modules, "apprise.plugins")) <= {
        "apprise.plugins",
        "apprise.plugins.base",
        "apprise.plugins.slack",
    }


@pytest.mark.parametrize("verb", [(), ("run",), ("check",), ("backtest",)], ids=" ".join)
async def test_help_loads_no_library_but_that_of_the_command_line(tmp_path: Path, verb: tuple[str, ...]) -> None:
    modules = await loaded(tmp_path, *verb, "--help")
    assert "click" in modules
    assert among(modules, *HEAVY, "aiohttp", "httpx", "pydantic", "kubernetes_asyncio", "apprise", "rich", "yaml") == []
    assert among(modules, "watchdog.adapters", "watchdog.engine", "watchdog.app", "watchdog.domain.judge") == []


async def test_checking_a_file_loads_nothing_that_talks(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    modules = await loaded(tmp_path, "check", "rules.toml")
    assert "watchdog.rulebook" in modules
    assert among(modules, *HEAVY, "aiohttp", "httpx", "kubernetes_asyncio", "apprise") == []
