"""docs/tuning.md as it happens: every command on the page is run, and what it prints is what the page shows.

`make docs` writes the page anew; test_tuning.py runs the same and compares the words.
"""

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.backtest.plan import Fault

from ci.standin import Forge, running
from pages.blocks import rewritten
from pages.past import Past, a_past

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tuning.md"
SCRIPTS = ROOT / "deploy" / "ci" / "scripts"
SPAN = "1d"
BRANCH = "errors-sooner"


@dataclass
class Story:
    """A folder, the environment that its commands run in, and what each chapter has shown so far."""

    folder: Path
    environment: dict[str, str]
    hidden: dict[str, str]  # what stands on the page for an address of this run
    shown: dict[str, str] = field(default_factory=dict)

    async def run(self, *commands: str, chapter: str = "", codes: tuple[int, ...] = (0,)) -> str:
        """Run them one by one; what a terminal would show goes to the chapter. Raises where one ends otherwise."""
        lines, code = [], 0
        for command in commands:
            process = await asyncio.create_subprocess_exec(
                *("sh", "-c", command),
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said = (await process.communicate())[0].decode()
            for actual, instead in self.hidden.items():
                said = said.replace(actual, instead)
            code = process.returncode or 0
            if code not in codes:
                raise AssertionError(f"{command} ended with {code}:\n{said}")
            lines += [f"$ {command}", *(line.rstrip() for line in said.splitlines())]
            if code:
                lines += ["$ echo $?", str(code)]
        if chapter:
            self.shown[chapter] = fenced("console", "\n".join(lines))
        return "\n".join(lines)


def fenced(language: str, text: str) -> str:
    """A fenced block, longer than any fence that is quoted in it."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.strip()}\n{fence}\n"


async def tell(folder: Path) -> dict[str, str]:
    """The whole story, in an empty folder: what each chapter shows."""
    repository, kept = folder / "rules", folder / "prometheus"
    repository.mkdir()
    kept.mkdir()
    async with a_past(kept) as past:
        with running(Forge()) as forge:
            story = Story(repository, _environment(folder, past, forge), {past.prometheus: "http://prometheus:9090"})
            await _repository(story)
            await _first_rules(story, past)
            await _measured(story)
            await _pull_request(story, forge)
    return story.shown


def _environment(folder: Path, past: Past, forge: Forge) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WATCHDOG_", "GIT", "CI"))}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in {"NAME": "ann", "EMAIL": "ann@example.com"}.items()}  # fmt: skip
    return kept | who | {
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "no_proxy": "*",
        "COLUMNS": "140",
        "WATCHDOG_PROMETHEUS_URL": past.prometheus,
        "WATCHDOG_KUBECONFIG": str(past.kubeconfig),
        "GITHUB_API_URL": forge.url,
        "GITHUB_TOKEN": "token",
        "GITHUB_REPOSITORY": "acme/plasma",
        "PULL_REQUEST": "7",
    }  # fmt: skip


async def _repository(story: Story) -> None:
    """An empty one with the workflow's scripts, and the place that it is pushed to."""
    await story.run(
        "git init --quiet --initial-branch=main",
        "git init --quiet --bare ../origin",
        "git remote add origin ../origin",
        f"mkdir -p deploy/ci && cp -r {SCRIPTS} deploy/ci/",
        "printf 'rules-report.md\\nrules-tests.xml\\ntune.patch\\n' >.gitignore",
    )


async def _first_rules(story: Story, past: Past) -> None:
    await story.run("watchdog init --namespace production", chapter="init")
    story.shown["first-rules"] = fenced("toml", (story.folder / "rules.toml").read_text())
    await story.run("watchdog check --live", chapter="check")
    target, at = past.release(Fault.MANY_ERRORS)
    await story.run(f"watchdog dry-run --target {target} --at {_moment(at)}", chapter="dry-run", codes=(3,))
    await story.run("watchdog test --new errors --write", "watchdog test", chapter="test")
    await story.run("git add .", "git commit --quiet -m 'The first rules'", "git push --quiet origin main")


async def _measured(story: Story) -> None:
    await story.run(f"watchdog backtest --since {SPAN}", chapter="backtest")
    await story.run(f"watchdog tune --since {SPAN} --write tune.patch", "cat tune.patch", chapter="tune")
    await story.run(
        f"git switch --quiet -c {BRANCH}",
        "git apply tune.patch",
        "watchdog test",
        f"watchdog backtest --since {SPAN} --against main:rules.toml",
        chapter="against",
    )
    await story.run(f"git commit --quiet -am 'Errors are judged from a lower limit on' && git push -q origin {BRANCH}")


async def _pull_request(story: Story, forge: Forge) -> None:
    job = f"BASE=main SINCE={SPAN} deploy/ci/scripts/rules.sh >job.log", "deploy/ci/scripts/comment.py rules-report.md"
    await story.run(*job, chapter="job")
    (comment,) = forge.bodies()
    for actual, instead in story.hidden.items():
        comment = comment.replace(actual.replace("://", "&#58;//"), instead.replace("://", "&#58;//"))
    story.shown["comment"] = comment
    await story.run(
        "git switch --quiet main",
        f"git merge --quiet --no-ff -m 'Merge pull request #7 from acme/{BRANCH}' {BRANCH}",
        "git log --format=%s",
        "watchdog check",
        chapter="merge",
    )


def _moment(at: datetime) -> str:
    return at.isoformat()


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory(prefix="watchdog-tuning-") as name:
        shown = asyncio.run(tell(Path(name)))
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), shown), encoding="utf-8")


if __name__ == "__main__":
    main()
