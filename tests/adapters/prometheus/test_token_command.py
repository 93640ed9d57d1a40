"""A bearer token from a program: run when it is due, by no shell, and what goes wrong is one clear line."""

import os
import stat
from pathlib import Path

import pytest

from watchdog.adapters.prometheus import token_command
from watchdog.adapters.prometheus.shown import Asked
from watchdog.adapters.prometheus.token_command import KEPT, TokenCommand
from watchdog.adapters.secrets import SecretMissing

ASKED = Asked("GET", "https://prometheus/", {}, b"")
NOW = 1_700_000_000.0


class Program:
    """A program that prints `says`, and counts how often it ran; its time stands still unless it is moved."""

    def __init__(self, directory: Path, says: str, *, code: int = 0, before: str = "") -> None:
        self.path = directory / "token"
        self._runs = directory / "runs"
        self._runs.touch()
        self.now = NOW
        self.write(says, code=code, before=before)

    def write(self, says: str, *, code: int = 0, before: str = "") -> None:
        lines = ["#!/bin/sh", f"echo ran >> {self._runs}", before, f"cat <<'END'\n{says}\nEND", f"exit {code}"]
        self.path.write_text("\n".join(lines) + "\n")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def command(self, *arguments: str) -> TokenCommand:
        return TokenCommand([str(self.path), *arguments], lambda: self.now, os.environ)

    @property
    def runs(self) -> int:
        return len(self._runs.read_text().split())


async def shown(command: TokenCommand) -> str:
    await command.renew()
    return command.headers(ASKED)["Authorization"]


async def failed(command: TokenCommand) -> str:
    with pytest.raises(SecretMissing) as caught:
        await command.renew()
    return str(caught.value)


async def test_what_it_prints_is_the_token_and_is_believed_for_minutes(tmp_path: Path) -> None:
    program = Program(tmp_path, "ya29.first")
    command = program.command()
    assert [await shown(command), await shown(command)] == ["Bearer ya29.first"] * 2
    assert program.runs == 1
    program.write("ya29.second")
    program.now += KEPT
    assert await shown(command) == "Bearer ya29.second"
    assert command.secrets() == ("ya29.second",)


@pytest.mark.parametrize(
    "says",
    [
        '{"status": {"token": "t", "expirationTimestamp": "2023-11-14T23:13:20Z"}}',
        '{"accessToken": "t", "expiresOn": "2023-11-14 23:13:20", "expires_on": 1700003600}',
        '{"access_token": "t", "token_expiry": "2023-11-14T23:13:20Z"}',
    ],
    ids=["kubectl's exec plugins", "az", "gcloud"],
)
async def test_json_of_the_clouds_is_understood_with_its_end(tmp_path: Path, says: str) -> None:
    program = Program(tmp_path, says)
    command = program.command()
    assert await shown(command) == "Bearer t"
    program.now += 3000
    assert await shown(command) == "Bearer t"
    assert program.runs == 1


async def test_a_token_that_was_refused_is_fetched_anew(tmp_path: Path) -> None:
    program = Program(tmp_path, "t")
    command = program.command()
    await shown(command)
    command.refused()
    await shown(command)
    assert program.runs == 2


async def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    program = Program(tmp_path, "t", before=f'echo "$1" > {tmp_path}/argument')
    await shown(program.command("$(touch nothing); a b"))
    assert (tmp_path / "argument").read_text() == "$(touch nothing); a b\n"


async def test_our_own_secrets_are_not_its_business(tmp_path: Path) -> None:
    program = Program(tmp_path, "t", before=f'echo "${{WATCHDOG_SECRET_SLACK:-none}} $HOME" > {tmp_path}/seen')
    environ = {"WATCHDOG_SECRET_SLACK": "shh", "HOME": "/here", "PATH": os.environ["PATH"]}
    await shown(TokenCommand([str(program.path)], lambda: NOW, environ))
    assert (tmp_path / "seen").read_text() == "none /here\n"


async def test_a_program_that_fails_says_why_and_is_not_run_for_each_question(tmp_path: Path) -> None:
    program = Program(tmp_path, "secret-looking", code=3, before="echo 'no account is active' >&2")
    command = program.command()
    assert await failed(command) == f"{program.path} ended with 3: no account is active"
    assert "ended with 3" in await failed(command)
    assert program.runs == 1
    program.write("t")
    program.now += 10
    assert await shown(command) == "Bearer t"


async def test_an_old_token_is_used_while_the_next_one_cannot_be_had(tmp_path: Path) -> None:
    program = Program(tmp_path, '{"token": "t", "expiry": 1700000600}')
    command = program.command()
    await shown(command)
    program.write("", code=1)
    program.now += 550
    assert await shown(command) == "Bearer t"
    program.now += 100
    assert "ended with 1" in await failed(command)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("", "printed no token"),
        ("two\nlines", "printed no token"),
        ("Please log in", "there are blanks in it"),
        ('{"a": 1}', "JSON without a token"),
        ("{", "neither a token nor JSON"),
        ('{"token": "t", "expiry": 1699999999}', "has expired already"),
    ],
)
async def test_what_is_no_token_is_told_without_repeating_it(tmp_path: Path, says: str, why: str) -> None:
    said = await failed(Program(tmp_path, says).command())
    assert why in said
    assert "log in" not in said


async def test_a_program_that_is_not_there_or_hangs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = TokenCommand([str(tmp_path / "absent")], lambda: NOW)
    assert await failed(absent) == f"{tmp_path}/absent cannot be run: No such file or directory"
    monkeypatch.setattr(token_command, "TIMEOUT", 0.2)
    program = Program(tmp_path, "t", before="sleep 60")
    assert await failed(program.command()) == f"{program.path} has printed no token within 0.2 s"
