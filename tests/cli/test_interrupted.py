"""Ctrl-C in a verb that waits: an exit code that means nothing else, and no traceback."""

import asyncio
import signal
from pathlib import Path

import pytest

from cli.test_run import a_file, a_kubeconfig
from cli.verbs import OWN, spawn
from town import RULES

RESEARCH = "production/deployment/research"


@pytest.mark.parametrize(
    "words",
    [("wait", RESEARCH, "--revision", "abc", "--api", "{url}"), ("check", "--live"), ("backtest",)],
    ids=lambda words: words[0],
)
async def test_it_ends_with_130_and_says_nothing(words: tuple[str, ...], tmp_path: Path) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def never_answers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await over.wait()
        writer.close()

    async with await asyncio.start_server(never_answers, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = {
            "RULES": a_file(tmp_path, "rules.toml", RULES),
            "PROMETHEUS_URL": url,
            "KUBECONFIG": a_kubeconfig(tmp_path),
            "NAMESPACE": OWN,
        }
        process = await spawn(*(word.format(url=url) for word in words), folder=tmp_path, **settings)
        async with asyncio.timeout(60):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            stdout, stderr = await process.communicate()
        over.set()
    assert process.returncode == 130, (stdout, stderr)
    assert b"Aborted" not in stdout + stderr
    assert b"Traceback" not in stderr
