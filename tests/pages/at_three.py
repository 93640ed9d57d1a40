"""docs/at-three-in-the-morning.md as it happens: its commands are run in a simulated town, and that is what it shows.

`make docs` writes the page anew; test_at_three.py runs the same and compares the words. Its pictures are taken with
those of the other pages (`make pictures`).
"""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from browser.releases import RULES, furnish
from cli.verbs import environment
from pages.blocks import rewritten
from town import OWN, Town, tell
from watchdog.adapters.clock import SystemClock

PAGE = Path(__file__).parents[2] / "docs" / "at-three-in-the-morning.md"
TARGET = "production/deployment/research"
AGO = timedelta(minutes=30)  # the town's clock jumps ahead; the commands' own must not be behind it


def outputs() -> dict[str, str]:
    """What each chapter shows: a bad release is rolled back, acts are paused, the release is brought back by hand."""
    shown: dict[str, str] = {}

    async def story(town: Town) -> None:
        town.deploy("research", "plasma/research:2.4.0", manager="deploy-bot")
        record = await town.outcome("research")
        template = str(record["candidate"]).split(" ")[0].rsplit("-", 1)[1]
        shown["stop"] = await ran(town, 'pause --reason "we look at it ourselves" --for 2h', "pause")
        shown["lift"] = await ran(town, "pause --lift")
        back = f'rollback {TARGET} --to {template} --reason "its errors were the test client\'s" --yes'
        shown["refused"] = await ran(town, back, code=4)
        shown["back"] = await ran(town, f"{back} --override known-bad")
        assert town.serving_image("research") == "plasma/research:2.4.0"

    tell(story, furnish, rules=RULES, begin=SystemClock().now() - AGO)
    return shown


async def ran(town: Town, *commands: str, code: int = 0) -> str:
    """Run them as a person would, one process each; what a terminal shows. Fails where one exits otherwise."""
    settings = environment(KUBECONFIG=str(town.cluster.kubeconfig(town.folder / "person")), NAMESPACE=OWN)
    lines = []
    for command in commands:
        program = ["sh", "-c", f'"$0" -m watchdog {command}', sys.executable]
        # In a thread, so that the town's time stands still until it is done.
        done = await asyncio.to_thread(
            subprocess.run, program, env=settings | {"COLUMNS": "120", "no_proxy": "*"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{command} ended with {done.returncode}: {done.stdout}"
        lines += [f"$ watchdog {command}", *(line.rstrip() for line in done.stdout.splitlines())]
    return "```console\n" + "\n".join(lines) + "\n```\n"


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), outputs()), encoding="utf-8")


if __name__ == "__main__":
    main()
