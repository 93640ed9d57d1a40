"""What the stories of both have in common, and where they are collected."""

from e2e.controlplane.behaviour import Behaviour
from stage import Record, Stage, Stories

STORIES = Stories()
FAILING = Behaviour(errors=0.5)
UNDONE = ["switch", "rolled-back", "recovered"]
# A release that passes has to be watched to its end, and so long that its rules could have been broken provably.
SHORT = "40s"


def ended(record: Record) -> tuple[str, str | None]:
    """How a watch ended; with its reason, so that a failure says it."""
    return record["outcome"], record["recovery"]


async def held(stage: Stage, name: str) -> None:
    """A bad release, found bad and on hold: from here on a story has all the time it wants."""
    await stage.hold(f"deployment/{name}", "schema migration 42")
    await stage.deploy(name, "v2", FAILING)
    await stage.phase(name, "holding", because="schema migration 42")
    assert await stage.acts() == []
