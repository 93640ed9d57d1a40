"""services.json, for the scripts beside this file: what the services are, where they lie, how images are called."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

FILE = Path(os.environ.get("SERVICES_FILE") or Path(__file__).parents[1] / "services.json")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def told() -> dict[str, Any]:
    """The whole file."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def service(name: str) -> dict[str, Any]:
    """What is told of one service; an unknown one ends the script with exit code 2."""
    services = told()["services"]
    if name not in services:
        refuse(f"there is no service {name!r}; there are {', '.join(services)}")
    found: dict[str, Any] = services[name]
    return found


def image(name: str, version: str) -> str:
    """The service's image of that version."""
    service(name)
    if not _TAG.fullmatch(version):
        refuse(f"{version!r} is no version of an image")
    return f"{os.environ.get('REGISTRY') or told()['registry']}/{name}:{version}"


def setting(name: str) -> str:
    """A variable that has to be set."""
    value = os.environ.get(name, "")
    if not value:
        refuse(f"{name} is not set")
    return value


def hand_on(**facts: str) -> None:
    """Give facts to the steps that follow; line ends in them would be facts of their own."""
    if output := os.environ.get("GITHUB_OUTPUT"):
        with Path(output).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={' '.join(value.split())}\n" for name, value in facts.items())


def annotate(level: str, title: str, message: str) -> None:
    """Where people look first: an annotation of the run on GitHub, a line elsewhere."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        title, message = (_escaped(text) for text in (title, message))
        title = title.replace(":", "%3A").replace(",", "%2C")
        print(f"::{level} title={title}::{message}", flush=True)
    else:
        print(f"{level}: {title}: {message}", file=sys.stderr, flush=True)


def summarize(markdown: str) -> None:
    """Add to the run's summary page, where there is one."""
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown.rstrip("\n") + "\n\n")


def refuse(message: str) -> NoReturn:
    """End with one line and exit code 2."""
    print(f"{Path(sys.argv[0]).stem}: {message}", file=sys.stderr)
    sys.exit(2)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
