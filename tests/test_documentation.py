"""What the pages name is there: files, links, targets of make, verbs and their options."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from watchdog.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def typed(text: str) -> Iterator[str]:
    """What stands as code: the lines of blocks, and what is between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    yield from (line for block in blocks for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def verbs(text: str) -> Iterator[tuple[str, str]]:
    """The verbs that are called, and the words after each."""
    for line in typed(text):
        yield from re.findall(r"^(?:\$ |.*&& )?watchdog ([a-z][a-z0-9-]*)(?![\w.:/=])([^|&;#]*)", line)


def test_architecture_names_files_that_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/-]+\.(?:py|md|toml)|\w[\w/-]*/)`", text))
    assert len(named) > 100
    there = [
        f"/{path.relative_to(ROOT)}" for part in ("src", "tests", "benchmarks") for path in (ROOT / part).rglob("*")
    ]
    there += [f"{path}/" for path in there if "." not in path.rpartition("/")[2]]
    assert not [name for name in named if not any(path.endswith(f"/{name}") for path in there)]


@pages
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text)
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not [name for name in re.findall(r"`(src/watchdog/[\w/]+\.py)`", text) if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".ci" / "run"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_that_is_written_down_is_a_target(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    inline = re.findall(r"`make ([^`]*)`", text)
    shell = re.findall(r"^\$? ?make ([^#\n]*)", text, re.MULTILINE)
    for words in (*inline, *shell):
        named = re.sub(r'\w+="[^"]*"', "", words)
        wanted = {word for word in named.split() if re.fullmatch(r"[a-z0-9-]+", word)}
        assert wanted <= targets, f"make {words}"


@pages
def test_every_verb_and_option_that_is_named_is_there(page: Path) -> None:
    unknown = []
    for name, words in verbs(page.read_text(encoding="utf-8")):
        verb = cli.get_command(click.Context(cli), name)
        if verb is None:
            unknown.append(name)
            continue
        options = {option for each in verb.params for option in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
        unknown += [f"{name} {word}" for word in re.findall(r"(?<!\S)--?[a-z][\w-]*", words) if word not in options]
    assert not unknown
