"""Makes the pictures of the documentation: the pages of a simulated town in the middle of its releases.

    python tests/pictures.py docs            docs/page.png, docs/watch.png (needs chromium)
    python tests/pictures.py --html DIR      the pages alone, each as a file

It runs on simulated time through real HTTP: what a browser is given is what the daemon serves.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parent))

from town import GOOD, NAMESPACE, PART_OF, Town, tell
from watchdog.simulator.traffic import Course, Latency

_RULES = """
version = 1

[guards.plasma-engine]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "memory", "crash"]
channels   = ["releases", "oncall"]

[rules.error-rate]
when = "http_error_rate > 5%"
[rules.latency]
when = "p95(http_latency) > 2x baseline"
[rules.memory]
when = "memory > 1.5x baseline"
for  = "1m"
[rules.crash]
signs = ["crash-loop", "image-pull", "oom-killed", "progress-deadline", "not-ready"]

[metrics]
preset = "fastapi"

[channels.releases]
url = "{{ secret.SLACK_URL }}"
on = ["switch", "passed", "breach", "rolled-back", "recovered", "held", "failed"]
[channels.oncall]
url = "{{ secret.PAGER_URL }}"
on = ["rolled-back", "not-recovered", "held", "failed"]
"""
_SERVICES = ("research", "brand", "content", "agent")


def _furnish(town: Town) -> None:
    for name in _SERVICES:
        image = f"plasma/{name}"
        town.cluster.deploy(NAMESPACE, name, f"{image}:2.3.1", replicas=3, labels=PART_OF)
        town.cluster.service(NAMESPACE, name)
    for colour, tag in (("blue", "4.9.2"), ("green", "5.0.0")):
        pods = {"app": "gateway", "colour": colour}
        town.cluster.deploy(
            NAMESPACE, f"gateway-{colour}", f"plasma/gateway:{tag}", replicas=3, labels=PART_OF, pod_labels=pods
        )
    town.cluster.service(NAMESPACE, "gateway", {"app": "gateway", "colour": "blue"}, labels=PART_OF)
    for name in (*_SERVICES, "gateway"):
        for tag in ("2.3.1", "2.4.0", "4.9.2", "5.0.0"):
            town.behaviours[f"plasma/{name}:{tag}"] = replace(GOOD, requests_per_second=12)
    bad = replace(GOOD, requests_per_second=12, errors=Course.step(0.004, 0.14, after=60))
    town.behaviours["plasma/research:2.4.0"] = bad
    town.behaviours["plasma/brand:2.4.0"] = replace(GOOD, requests_per_second=12, errors=Course.constant(0.061))
    town.behaviours["plasma/gateway:5.0.0"] = replace(GOOD, requests_per_second=12, latency=Latency(0.10, 0.26))


async def _play(town: Town, folder: Path) -> None:
    await town.start()
    town.deploy("content", "plasma/content:2.4.0", manager="deploy-bot")
    await town.sleep(470)
    town.deploy("research", "plasma/research:2.4.0", manager="deploy-bot")
    await town.outcome("research")
    town.deploy("brand", "plasma/brand:2.4.0", manager="deploy-bot")
    await town.sleep(45)
    town.flip("gateway", "green", manager="deploy-bot")
    await town.sleep(70)
    assert town.watchdog is not None
    async with aiohttp.ClientSession(town.watchdog.url) as session:

        async def get(path: str) -> str:
            async with session.get(path) as answer:
                assert answer.status == 200, (path, answer.status)
                return await answer.text()

        page = await get("/")
        (folder / "page.html").write_text(await _alone(page, get), encoding="utf-8")
        for watch in dict.fromkeys(re.findall(r"/watches/([\w.-]+)", page)):
            name = watch.split("-")[0]
            (folder / f"watch-{name}.html").write_text(await _alone(await get(f"/watches/{watch}"), get), "utf-8")


async def _alone(page: str, get) -> str:  # type: ignore[no-untyped-def]
    """The page with its stylesheet within, so that a browser needs no server."""
    path = re.search(r'href="(/assets/[^"]+\.css)"', page)
    assert path is not None
    page = re.sub(r'<link rel="stylesheet"[^>]*>', lambda _: "", page)
    page = re.sub(r"<script[^>]*></script>|<link rel=\"icon\"[^>]*>", "", page)
    return page.replace("</head>", f"<style>{await get(path[1])}</style></head>")


def pages(folder: Path) -> None:
    """Write the pages as files."""
    tell(lambda town: _play(town, folder), _furnish, rules=_RULES, scrape_interval=5.0)


def shoot(page: Path, to: Path, width: int, height: int, *, dark: bool = False) -> None:
    """A picture of a page, as chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("chromium is needed")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text",
                f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={to}",
                *(["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]),
                page.absolute().as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def main() -> None:
    """Parse, make."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--html", action="store_true")
    asked = parser.parse_args()
    if asked.html:
        asked.folder.mkdir(parents=True, exist_ok=True)
        pages(asked.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        pages(Path(name))
        shoot(Path(name, "page.html"), asked.folder / "page.png", 1000, 1180)
        shoot(Path(name, "watch-research.html"), asked.folder / "watch.png", 940, 1240)


if __name__ == "__main__":
    main()
