"""A Dockerfile read into its stages, and the steps of a stage carried out without docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath


@dataclass
class Stage:
    """One `FROM` and what follows it, as instruction and arguments."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        """The arguments of every such instruction."""
        return [arguments for name, arguments in self.steps if name == instruction]


def read(path: Path) -> tuple[dict[str, str], list[Stage]]:
    """The arguments before the first stage, and the stages."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(str.strip, whole.splitlines()):
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        elif stages:
            stages[-1].steps.append((instruction, rest.strip()))
        else:
            name, _, value = rest.partition("=")
            arguments[name] = value
    return arguments, stages


def context(root: Path, ignore: Path) -> list[Path]:
    """What `docker build` sees of a directory: an ignore file that excludes everything and lets some of it in."""
    first, *others = [line for line in ignore.read_text().splitlines() if line and not line.startswith("#")]
    assert first == "*"
    allowed = [line[1:] for line in others if line.startswith("!")]
    excluded = [line.removeprefix("**/") for line in others if not line.startswith("!")]

    def goes(path: PurePath) -> bool:
        return not any(fnmatch(part, pattern) for part in path.parts for pattern in excluded)

    found = [root / name for name in allowed if (root / name).is_file()]
    for name in allowed:
        found += [path for path in (root / name).rglob("*") if path.is_file()]
    return [path.relative_to(root) for path in found if goes(path.relative_to(root))]


def carry_out(stage: Stage, files: list[Path], root: Path, places: Mapping[str, Path], path: str) -> None:
    """Do what a stage does, with `places` instead of the image's directories and `path` instead of its programs.

    Raises CalledProcessError with what the failing step said.
    """

    def placed(text: str) -> str:
        for place, instead in places.items():
            text = re.sub(rf"(?<![\w/]){re.escape(place)}(?![\w-])", str(instead), text)
        return text

    here = Path(placed("/"))
    environment = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "HTTP", "HOME", "SSL"))}
    environment["PATH"] = path
    for instruction, arguments in stage.steps:
        match instruction:
            case "WORKDIR":
                here = Path(placed(arguments))
                here.mkdir(parents=True, exist_ok=True)
            case "ENV":
                environment.update(word.split("=", 1) for word in arguments.split())
            case "COPY":
                *sources, to = arguments.split()
                for source in sources:
                    _copy(PurePath(source), files, root, here / to)
            case "RUN":
                command = ["/bin/sh", "-ec", placed(arguments)]
                ran = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
                assert ran.returncode == 0, f"{arguments}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
            case _:
                raise AssertionError(f"a step that cannot be carried out here: {instruction} {arguments}")


def _copy(source: PurePath, files: list[Path], root: Path, to: Path) -> None:
    copied = [path for path in files if path == source or source in path.parents]
    assert copied, f"{source} is not in the build's context"
    for path in copied:
        inside = path.relative_to(source) if path != source else Path(path.name)
        (to / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, to / inside)
