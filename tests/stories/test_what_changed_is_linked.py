"""A watch links the commits between stable and candidate: by the annotation that the guard names."""

from collections.abc import Mapping
from typing import Any

from town import RULES, Town, tell

SOURCE = "https://git.example.com/shop/research"
COMMITS = RULES.replace(
    "[guards.services]\n",
    '[guards.services]\ncommits = "example.org/commit"\nbake = "2m"\ninterval = "5s"\nwarmup = "5s"\nbaseline = "5m"\n',
)


def released(town: Town, tag: str, commit: str) -> None:
    """Someone rolls out that commit."""
    annotations: Mapping[str, Any] = {"example.org/commit": commit, "org.opencontainers.image.source": SOURCE}
    template = {"template": {"metadata": {"annotations": dict(annotations)}}}
    town.deploy("research", f"research:{tag}", spec=template)


async def commits_between(town: Town, before: str, after: str) -> str:
    released(town, "v2", before)
    assert (await town.outcome("research"))["outcome"] == "passed"
    released(town, "v3", after)
    record = await town.outcome("research", number=2)
    return str(record["commits"])


def test_the_commits_in_between_are_linked_by_the_guards_annotation() -> None:
    async def story(town: Town) -> None:
        assert await commits_between(town, "aaaaaaa1", "BBBBBBB2") == f"{SOURCE}/compare/aaaaaaa1...bbbbbbb2"

    tell(story, rules=COMMITS)


def test_a_page_is_linked_as_it_is() -> None:
    async def story(town: Town) -> None:
        page = "https://ci.example.com/releases/42"
        assert await commits_between(town, "https://ci.example.com/releases/41", page) == page

    tell(story, rules=COMMITS)
