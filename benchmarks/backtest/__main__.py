"""`make bench-backtest`: 14 days, 5 services, 6 rules, 40 switches in a real Prometheus; how long, how much memory."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan
from benchmarks.prometheus import prometheus

RESULTS = Path(__file__).parents[1] / "results" / "backtest.md"


def run(url: str, directory: Path, days: float) -> tuple[float, float, float, dict[str, Any]]:
    """One backtest in a process of its own: seconds, seconds of CPU, MiB at the peak, its report."""
    command = [sys.executable, "-m", "watchdog", "backtest", "rules.toml", "--since", f"{int(days * 24)}h"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--prometheus", url, "--cache", "cache", "-o", "json"],
        cwd=directory,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"the backtest ended with status {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(text)


def page(plan: Plan, first: tuple[float, float, float, dict[str, Any]], again: tuple[float, float, float, Any]) -> str:
    """The results, as markdown."""
    seconds, cpu, memory, report = first
    real = [one for one in report["switches"] if not one["placebo"]]
    quiet = [one for one in report["switches"] if one["placebo"]]
    expected = {(one.target, one.at.isoformat()): one for one in plan.releases}
    found = [expected[key] for one in real if (key := (one["target"], one["at"])) in expected]
    caught = sum(1 for one in real if expected[one["target"], one["at"]].bad and one["outcome"] == "rolled-back")
    held = sum(
        1
        for one in real
        if expected[one["target"], one["at"]].fault is Fault.OUTAGE and one["outcome"] != "rolled-back"
    )
    clean = sum(1 for one in real if expected[one["target"], one["at"]].fault is Fault.NONE)
    false = sum(1 for one in real if not expected[one["target"], one["at"]].bad and one["outcome"] == "rolled-back")
    spent = report["spent"]
    return f"""# What a backtest costs

`make bench-backtest`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; a real Prometheus
with blocks made by promtool on the same machine, which answers on the same cores.

{plan.days:g} days, {plan.services} services of two pods, 15 s scrapes, six rules, {len(plan.releases)} switches of which {plan.bad} bad and {plan.shared} beside a shared outage;
{len(quiet)} quiet windows.

| | first run | second run (cache) |
|---|---|---|
| seconds | {seconds:.1f} | {again[0]:.1f} |
| seconds of CPU, Prometheus's own left out | {cpu:.1f} | {again[1]:.1f} |
| memory at the peak | {memory:.0f} MiB | {again[2]:.0f} MiB |
| queries asked | {spent["queries"]} | {again[3]["spent"]["queries"]} |
| samples asked for | {spent["samples"]:,} | {again[3]["spent"]["samples"]:,} |

| | |
|---|---|
| switches found | {len(found)} of {len(plan.releases)}, and {len(real) - len(found)} that were none |
| bad ones rolled back | {caught} of {plan.bad} |
| beside a shared outage, not rolled back | {held} of {plan.shared} |
| harmless ones rolled back | {false} of {clean + plan.shared} |
| quiet windows rolled back | {sum(1 for one in quiet if one["outcome"] == "rolled-back")} of {len(quiet)} |
"""


def main() -> None:
    """Make the history, replay it twice, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--services", type=int, default=5)
    parser.add_argument("--switches", type=int, default=40)
    parser.add_argument("--bad", type=int, default=8)
    parser.add_argument("--shared", type=int, default=2)
    parser.add_argument("--print", action="store_true", help="print the page, write no file")
    wish = parser.parse_args()
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    plan = Plan(wish.days, wish.services, wish.switches, wish.bad, wish.shared, end)
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as name:
        directory = Path(name)
        build(plan, directory, told=lambda what: print(f"history: {what}", file=sys.stderr))
        (directory / "rules.toml").write_text(RULES)
        with prometheus(directory) as running:
            text = page(plan, run(running.url, directory, plan.days), run(running.url, directory, plan.days))
    print(text)
    if not wish.print:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
